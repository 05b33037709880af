import { outcomeRecorded } from '../codecs.js';
import {
  readRecord,
  type IncomingRecord,
  type NeedsSchema,
  type RecordForm,
  type WriterSchemas,
} from '../framing/decode.js';
import { bodyReader } from '../framing/reader.js';
import type { OutcomeRecorded } from '../generated/types.js';
import type { Checked } from '../checked.js';
import { outcomeFromJson } from './json.js';
import { validateOutcome, type OutcomeEvent } from './validity.js';

export const OUTCOME_EVENT_TYPE = 'laurel.outcome.recorded.v1';

const outcomeForm: RecordForm<OutcomeRecorded> = {
  eventType: OUTCOME_EVENT_TYPE,
  // An older published schema joins this list when a newer one takes its place.
  readers: new Map([[outcomeRecorded.fingerprint, bodyReader(outcomeRecorded, outcomeRecorded.type)]]),
  fromJson: outcomeFromJson,
};

/** Turns a record of `usage.outcomes.v1` in any accepted framing into an outcome; see `readRecord`. */
export function decodeOutcome(
  record: IncomingRecord,
  schemas: WriterSchemas<OutcomeRecorded>,
): Checked<OutcomeEvent> | NeedsSchema {
  const read = readRecord(outcomeForm, record, schemas);
  return read.ok ? validateOutcome(read.value, record.timestampMs) : read;
}
