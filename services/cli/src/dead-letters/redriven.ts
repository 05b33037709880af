import { topics, type DeadLetter } from '@laurel/events';
import type { ForeignRecord, OutgoingRecord } from '@laurel/kafka';

/** On a record that was sent again: the place that it had before. It comes back with the letter if it is rejected again. */
export const REDRIVEN_FROM = 'redriven-from';
/** On a marker: when the letter was sent again, in ms. */
const REDRIVEN_AT = 'redriven-at';
/** On a marker: the timestamp of the original record, in ms. */
const RECORD_TIMESTAMP = 'record-timestamp';

/** What tells one record from every other: a topic that was replaced has the same places again, at other times. */
export interface Origin {
  /** `topic/partition/offset`, with the topic's name on the broker. */
  readonly place: string;
  readonly recordTimestampMs: number;
}

/** An `Origin` as one text. */
export type LetterId = string & { readonly brand: 'LetterId' };

export const letterId = ({ place, recordTimestampMs }: Origin): LetterId => `${place}@${recordTimestampMs}` as LetterId;

/** What says, in the topic of dead letters, that one of them was sent again: its key and no value. */
export function marker({ place, recordTimestampMs }: Origin, nowMs: number): OutgoingRecord {
  return {
    key: place,
    value: null,
    headers: { [REDRIVEN_AT]: String(nowMs), [RECORD_TIMESTAMP]: String(recordTimestampMs) },
  };
}

/** Undefined when the record is no marker. */
export function readMarker(record: {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, Uint8Array | undefined>>;
}): { readonly id: LetterId; readonly redrivenAtMs: number } | undefined {
  const { key, value, headers } = record;
  const [at, timestamp] = [headers[REDRIVEN_AT], headers[RECORD_TIMESTAMP]];
  if (value !== null || key === null || at === undefined || timestamp === undefined) return undefined;
  const place = Buffer.from(key).toString();
  const id = letterId({ place, recordTimestampMs: Number(Buffer.from(timestamp).toString()) });
  return { id, redrivenAtMs: Number(Buffer.from(at).toString()) };
}

/**
 * The original record as it is sent again: its own key, value and headers, and one header more.
 *
 * @param partitions of its topic. A partition that the topic no longer has is left to the key.
 */
export function resent(letter: DeadLetter, place: string, partitions: number): ForeignRecord {
  const headers = Object.fromEntries(letter.headers.map(({ name, value }) => [name, value] as const));
  return {
    key: letter.key,
    value: letter.value,
    headers: { ...headers, [REDRIVEN_FROM]: place },
    partition: letter.partition < partitions ? letter.partition : undefined,
  };
}

/** The topics that a record may be sent to again: those that publishers write to. */
export const REDRIVABLE: readonly string[] = [topics.usageEvents.name, topics.usageOutcomes.name];
