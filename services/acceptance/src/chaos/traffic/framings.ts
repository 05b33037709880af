import { USAGE_EVENT_TYPE, usageRecorded, type UsageRecorded } from '@laurel/events';
import type { Random } from '../random.js';
import { SCHEMA_ID } from '../world/registry.js';

export interface Framed {
  readonly value: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

const SINGLE_OBJECT_HEADER_BYTES = 10;

/** One event in each of the framings that the topic takes. */
const framings: Readonly<Record<string, (event: UsageRecorded) => Framed>> = {
  'single object': (event) => ({ value: usageRecorded.encode(event) }),
  Confluent: (event) => {
    const header = Buffer.alloc(5);
    header.writeUInt32BE(SCHEMA_ID, 1);
    return { value: Buffer.concat([header, usageRecorded.encode(event).subarray(SINGLE_OBJECT_HEADER_BYTES)]) };
  },
  JSON: (event) => ({ value: Buffer.from(JSON.stringify(event)) }),
  'structured CloudEvent': (event) => {
    const { event_id: id, source, occurred_at: at, ...data } = event;
    const envelope = { specversion: '1.0', type: USAGE_EVENT_TYPE, id, source, time: new Date(at).toISOString(), data };
    return {
      value: Buffer.from(JSON.stringify(envelope)),
      headers: { 'content-type': 'application/cloudevents+json' },
    };
  },
  'binary CloudEvent': (event) => {
    const { event_id: id, source, occurred_at: at, ...data } = event;
    return {
      value: Buffer.from(JSON.stringify(data)),
      headers: {
        ce_specversion: '1.0',
        ce_type: USAGE_EVENT_TYPE,
        ce_id: id,
        ce_source: source,
        ce_time: new Date(at).toISOString(),
        'content-type': 'application/json',
      },
    };
  },
};

const others = Object.values(framings);

/** Most in the default framing, as is usual, and the rest in any. */
export const frame = (event: UsageRecorded, random: Random): Framed =>
  random.chance(0.7) ? { value: usageRecorded.encode(event) } : random.pick(others)(event);
