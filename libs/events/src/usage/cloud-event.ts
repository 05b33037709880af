import { accept, reject, type Checked } from '../outcome.js';
import { isJsonObject, type JsonObject } from './json.js';

export const USAGE_EVENT_TYPE = 'laurel.usage.recorded.v1';

/**
 * A CloudEvent's `id`, `source` and `time` are the event's identity and time; its JSON data holds the rest.
 * Source: CloudEvents specification 1.0.2, "Required Attributes".
 *
 * @param envelope the context attributes by name, and `data` in structured mode.
 * @returns the event in its plain JSON form.
 */
export function fromCloudEvent(envelope: JsonObject, data: unknown): Checked<JsonObject> {
  if (envelope['specversion'] !== '1.0') {
    return reject('malformed_cloud_event', 'specversion is not 1.0', 'specversion');
  }
  if (envelope['type'] !== USAGE_EVENT_TYPE) {
    return reject('wrong_event_type', `the CloudEvent's type is not ${USAGE_EVENT_TYPE}`, 'type');
  }
  if (!isJsonObject(data)) return reject('malformed_cloud_event', 'data is not a JSON object', 'data');
  return accept({
    ...data,
    event_id: envelope['id'],
    source: envelope['source'],
    occurred_at: envelope['time'] ?? data['occurred_at'],
  });
}
