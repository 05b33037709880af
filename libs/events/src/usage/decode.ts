import { usageRecorded } from '../codecs.js';
import {
  readRecord,
  type IncomingRecord,
  type NeedsSchema,
  type RecordForm,
  type WriterSchemas,
} from '../framing/decode.js';
import { bodyReader } from '../framing/reader.js';
import type { UsageRecorded } from '../generated/types.js';
import type { Checked } from '../checked.js';
import { usageFromJson } from './json.js';
import { validateUsage, type UsageEvent } from './validity.js';

export const USAGE_EVENT_TYPE = 'laurel.usage.recorded.v1';

const usageForm: RecordForm<UsageRecorded> = {
  eventType: USAGE_EVENT_TYPE,
  // An older published schema joins this list when a newer one takes its place.
  readers: new Map([[usageRecorded.fingerprint, bodyReader(usageRecorded, usageRecorded.type)]]),
  fromJson: usageFromJson,
};

/** Turns a record of `usage.events.v1` in any accepted framing into a usage event; see `readRecord`. */
export function decodeUsage(
  record: IncomingRecord,
  schemas: WriterSchemas<UsageRecorded>,
): Checked<UsageEvent> | NeedsSchema {
  const read = readRecord(usageForm, record, schemas);
  return read.ok ? validateUsage(read.value, record.timestampMs) : read;
}
