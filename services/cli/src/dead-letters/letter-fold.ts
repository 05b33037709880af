import { placeOfLetter, readDeadLetter, type DeadLetterCode } from '@laurel/events';
import { BATCH_FROM_HEADER, TRUNCATED_HEADER } from '@laurel/ingest';
import type { StreamRecord } from '@laurel/stream';
import { letterId, readMarker, REDRIVEN_FROM, type LetterId, type Origin } from './redriven.js';
import { keyText } from './text.js';

/** What is kept of one dead letter; its bytes stay in the topic. */
export interface Letter extends Origin {
  readonly code: DeadLetterCode;
  readonly message: string;
  readonly field: string | null;
  /** On the broker, with its prefix. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** When it was rejected last. */
  readonly rejectedAtMs: number;
  /** The original record's key, to be read; null without one. */
  readonly key: string | null;
  /** The place that it was sent again from, if it was. */
  readonly redrivenFrom: string | undefined;
  /** When it was sent again, if it was. */
  readonly redrivenAtMs: number | undefined;
  /** How many bytes the original value had, if the letter holds only its beginning: it can't be sent again. */
  readonly truncatedFrom: number | undefined;
  /** The first offset, if the letter is a whole batch of the log that can't be read: it can't be sent again either. */
  readonly batchFrom: number | undefined;
  /** Where its latest copy is in the topic of dead letters. */
  readonly copy: Copy;
}

export interface Copy {
  readonly partition: number;
  readonly offset: number;
}

/** Nobody reads more of it in a line. */
const MAX_MESSAGE_CHARACTERS = 300;

/**
 * Folds the topic of dead letters into the letters there are, each once: a repeated batch writes its letters again. The
 * order between partitions does not matter, as a letter and its marker may be on two when partitions were added.
 */
export class LetterFold {
  private readonly byId = new Map<LetterId, Omit<Letter, 'redrivenAtMs'>>();
  private readonly redrivenAt = new Map<LetterId, number>();
  private unreadableRecords = 0;

  take(record: StreamRecord, partition: number): void {
    if (record.value === null) {
      const read = readMarker(record);
      if (read !== undefined) this.redrivenAt.set(read.id, read.redrivenAtMs);
      return;
    }
    const letter = readDeadLetter(record.value);
    if (letter === undefined) {
      this.unreadableRecords += 1;
      return;
    }
    const place = placeOfLetter(letter);
    const origin = { place, recordTimestampMs: letter.record_timestamp };
    const id = letterId(origin);
    const known = this.byId.get(id);
    const truncated = record.headers[TRUNCATED_HEADER];
    const isCut = truncated !== undefined;
    if (known !== undefined) {
      const wasCut = known.truncatedFrom !== undefined;
      // A whole copy is worth more than a later one.
      if (isCut === wasCut ? known.rejectedAtMs > letter.rejected_at : isCut) return;
    }
    const from = letter.headers.findLast(({ name }) => name === REDRIVEN_FROM);
    this.byId.set(id, {
      ...origin,
      code: letter.code,
      message: letter.message.slice(0, MAX_MESSAGE_CHARACTERS),
      field: letter.field,
      topic: letter.topic,
      partition: letter.partition,
      offset: letter.offset,
      rejectedAtMs: letter.rejected_at,
      key: keyText(letter.key),
      redrivenFrom: from === undefined ? undefined : Buffer.from(from.value).toString(),
      truncatedFrom: numberOf(truncated),
      batchFrom: numberOf(record.headers[BATCH_FROM_HEADER]),
      copy: { partition, offset: record.offset },
    });
  }

  /** Newest first. */
  letters(): readonly Letter[] {
    return [...this.byId]
      .map(([id, letter]) => ({ ...letter, redrivenAtMs: this.redrivenAt.get(id) }))
      .sort(
        (a, b) =>
          b.rejectedAtMs - a.rejectedAtMs ||
          a.topic.localeCompare(b.topic) ||
          a.partition - b.partition ||
          b.offset - a.offset,
      );
  }

  /** Records that are no dead letters of a schema that is known here. */
  get unreadable(): number {
    return this.unreadableRecords;
  }
}

/** Whether a letter holds a record as it was, to be sent again. */
export const isOneWholeRecord = ({ truncatedFrom, batchFrom }: Letter): boolean =>
  truncatedFrom === undefined && batchFrom === undefined;

const numberOf = (header: Uint8Array | undefined): number | undefined =>
  header === undefined ? undefined : Number(Buffer.from(header).toString());
