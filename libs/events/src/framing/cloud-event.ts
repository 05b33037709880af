import { accept, reject, type Checked } from '../checked.js';
import { isJsonObject, type JsonObject } from './json.js';

/**
 * A CloudEvent's `id`, `source` and `time` are the event's identity and time; its JSON data holds the rest.
 * Source: CloudEvents specification 1.0.2, "Required Attributes".
 *
 * @param envelope the context attributes by name, and `data` in structured mode.
 * @param type the one that the topic's events have.
 * @returns the event in its plain JSON form.
 */
export function fromCloudEvent(envelope: JsonObject, data: unknown, type: string): Checked<JsonObject> {
  if (envelope['specversion'] !== '1.0') {
    return reject('malformed_cloud_event', 'specversion is not 1.0', 'specversion');
  }
  if (envelope['type'] !== type) {
    return reject('wrong_event_type', `the CloudEvent's type is not ${type}`, 'type');
  }
  if (!isJsonObject(data)) return reject('malformed_cloud_event', 'data is not a JSON object', 'data');
  return accept({
    ...data,
    event_id: envelope['id'],
    source: envelope['source'],
    occurred_at: envelope['time'] ?? data['occurred_at'],
  });
}
