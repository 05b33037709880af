import { FieldReader, type JsonObject } from '../framing/json.js';
import { outcomeKindValues, type OutcomeRecorded } from '../generated/types.js';
import { accept, type Checked } from '../checked.js';

/**
 * Reads an outcome in its documented JSON form: the names of OutcomeRecorded, an absent quantity is 1, unknown fields are
 * ignored (a newer publisher's). Bounds are checked by `validateOutcome`, not here.
 */
export function outcomeFromJson(object: JsonObject): Checked<OutcomeRecorded> {
  const read = new FieldReader(object);
  const event: OutcomeRecorded = {
    event_id: read.requiredString('event_id'),
    source: read.requiredString('source'),
    revision: read.optionalNumber('revision', 0),
    retracted: read.optionalBoolean('retracted'),
    occurred_at: read.time('occurred_at'),
    user_id: read.requiredString('user_id'),
    team: read.optionalString('team'),
    session_id: read.optionalString('session_id'),
    kind: read.requiredChoice('kind', outcomeKindValues),
    quantity: read.optionalNumber('quantity', 1),
    attributes: read.attributes(),
  };
  return read.fault ?? accept(event);
}
