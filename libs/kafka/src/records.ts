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

const NO_HEADERS: StreamRecord['headers'] = {};

function toHeaders(headers: NonNullable<KafkaMessage['headers']>): StreamRecord['headers'] {
  const result: Record<string, Uint8Array | undefined> = {};
  for (const [name, value] of Object.entries(headers)) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined) result[name] = typeof last === 'string' ? Buffer.from(last) : last;
  }
  return result;
}
