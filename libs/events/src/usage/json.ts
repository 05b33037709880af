import { FieldReader, isJsonObject, type JsonObject } from '../framing/json.js';
import { usageOriginValues, usageStatusValues, type TokenCounts, type UsageRecorded } from '../generated/types.js';
import { accept, reject, type Checked } from '../checked.js';
import { noTokens, tokenFields } from '../tokens.js';

/** Unknown classes are refused: to leave one out would be to count too little without anybody noticing. */
function readTokens(read: FieldReader): TokenCounts {
  const value = read.object['tokens'];
  if (!isJsonObject(value)) {
    if (value === undefined || value === null) read.missing('tokens');
    else read.wrongType('tokens', 'an object');
    return noTokens;
  }
  const counts: Record<keyof TokenCounts, number> = { ...noTokens };
  for (const [name, count] of Object.entries(value)) {
    const field = tokenFields.find((known) => known === name);
    if (field === undefined) {
      read.fail(reject('unknown_token_class', `tokens.${name.slice(0, 64)} is not a token class`, 'tokens'));
    } else if (typeof count === 'number') {
      counts[field] = count;
    } else if (count !== null) {
      read.wrongType(`tokens.${field}`, 'a number');
    }
  }
  return counts;
}

/**
 * Reads a usage event in its documented JSON form: the names of UsageRecorded, absent counts are 0, unknown fields
 * beside the token classes are ignored (a newer publisher's). Bounds are checked by `validateUsage`, not here.
 */
export function usageFromJson(object: JsonObject): Checked<UsageRecorded> {
  const read = new FieldReader(object);
  const event: UsageRecorded = {
    event_id: read.requiredString('event_id'),
    source: read.requiredString('source'),
    revision: read.optionalNumber('revision', 0),
    retracted: read.optionalBoolean('retracted'),
    occurred_at: read.time('occurred_at'),
    user_id: read.requiredString('user_id'),
    team: read.optionalString('team'),
    session_id: read.optionalString('session_id'),
    provider: read.requiredString('provider'),
    model: read.requiredString('model'),
    tokens: readTokens(read),
    cost_micro_usd: read.optionalNumber('cost_micro_usd', null),
    status: read.optionalChoice('status', usageStatusValues, 'ok'),
    origin: read.optionalChoice('origin', usageOriginValues, 'unknown'),
    attributes: read.attributes(),
  };
  return read.fault ?? accept(event);
}
