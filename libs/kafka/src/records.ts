import type { KafkaMessage } from 'kafkajs';
import type { StreamRecord } from '@laurel/stream';

/** A kafkajs message as a record; of a repeated header the last value stands. */
export function toRecord(message: KafkaMessage): StreamRecord {
  return {
    offset: Number(message.offset),
    key: message.key,
    value: message.value,
    timestampMs: Number(message.timestamp),
    headers: message.headers === undefined ? NO_HEADERS : toHeaders(message.headers),
  };
}

const NO_BYTES = Buffer.alloc(0);
const NO_HEADERS: StreamRecord['headers'] = {};

function toHeaders(headers: NonNullable<KafkaMessage['headers']>): StreamRecord['headers'] {
  const result: Record<string, Uint8Array | undefined> = {};
  for (const [name, value] of Object.entries(headers)) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined) result[name] = bytesOf(last);
  }
  return result;
}

/** A header may be without a value, whatever kafkajs' types say; it has no bytes then. */
const bytesOf = (value: Uint8Array | string | null): Uint8Array =>
  typeof value === 'string' ? Buffer.from(value) : (value ?? NO_BYTES);
