import { usageRecorded } from '../codecs.js';
import { bodyReaderForSchema, type BodyReader } from '../framing/reader.js';
import type { UsageRecorded } from '../generated/types.js';
import type { Checked } from '../checked.js';

export type UsageReader = BodyReader<UsageRecorded>;

/** A reader for a schema from a registry, given as its JSON text; a fault when it can't be read as UsageRecorded. */
export const usageReaderForSchema = (schemaJson: string): Checked<UsageReader> =>
  bodyReaderForSchema(usageRecorded, schemaJson);
