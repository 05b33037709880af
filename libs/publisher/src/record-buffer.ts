/** Which of Laurel's topics a record goes to. */
export type Stream = 'usage' | 'outcomes';

/** One event, encoded. */
export interface EncodedRecord {
  readonly stream: Stream;
  /** The user's id, so that one person's events keep their order. */
  readonly key: string;
  readonly value: Buffer;
}

/** Framing of a record inside a batch: lengths, deltas, attributes (Kafka protocol, "Record", at most). */
const FRAMING_BYTES = 21;
/** What a waiting record costs in memory beside its bytes: objects, the Buffer's own header, its place here. */
const OVERHEAD_BYTES = 240;

const wireBytesOf = (record: EncodedRecord): number => record.value.length + record.key.length + FRAMING_BYTES;

/** A first-in, first-out queue that knows its size in bytes. Records leave it only when they are settled. */
export class RecordBuffer {
  private records: (EncodedRecord | undefined)[] = [];
  private head = 0;
  private wire = 0;

  get length(): number {
    return this.records.length - this.head;
  }

  /** About what the records will take in requests, before compression. */
  get wireBytes(): number {
    return this.wire;
  }

  /** About what the records take in memory. */
  get memoryBytes(): number {
    return this.wire + this.length * OVERHEAD_BYTES;
  }

  push(record: EncodedRecord): void {
    this.records.push(record);
    this.wire += wireBytesOf(record);
  }

  /** The oldest records that fit in both limits together; always at least one. They stay in the queue. */
  oldest(maxBytes: number, maxRecords: number): EncodedRecord[] {
    const batch: EncodedRecord[] = [];
    let bytes = 0;
    for (let at = this.head; at < this.records.length; at += 1) {
      const record = this.records[at];
      if (record === undefined || batch.length >= maxRecords) break;
      bytes += wireBytesOf(record);
      if (bytes > maxBytes && batch.length > 0) break;
      batch.push(record);
    }
    return batch;
  }

  /** Removes the oldest `count` records. */
  drop(count: number): void {
    for (let left = count; left > 0 && this.head < this.records.length; left -= 1) {
      const record = this.records[this.head];
      if (record !== undefined) this.wire -= wireBytesOf(record);
      // Frees the record now; the array itself shrinks below, seldom, so that dropping stays cheap.
      this.records[this.head] = undefined;
      this.head += 1;
    }
    if (this.head === this.records.length) {
      this.records = [];
      this.head = 0;
    } else if (this.head > 1024 && this.head * 2 > this.records.length) {
      this.records = this.records.slice(this.head);
      this.head = 0;
    }
  }

  /** Empties the queue. */
  takeAll(): EncodedRecord[] {
    const all = this.oldest(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    this.drop(all.length);
    return all;
  }
}
