import { outcomeRecorded } from '../codecs.js';
import { bodyReaderForSchema, type BodyReader } from '../framing/reader.js';
import type { OutcomeRecorded } from '../generated/types.js';
import type { Checked } from '../checked.js';

export type OutcomeReader = BodyReader<OutcomeRecorded>;

/** A reader for a schema from a registry, given as its JSON text; a fault when it can't be read as OutcomeRecorded. */
export const outcomeReaderForSchema = (schemaJson: string): Checked<OutcomeReader> =>
  bodyReaderForSchema(outcomeRecorded, schemaJson);
