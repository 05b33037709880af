import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { canonicalBody, usageOriginValues, usageRecorded, usageStatusValues, type UsageEvent } from '@laurel/events';
import type { PackedRecords } from '@laurel/stream';
import { usageBlockWasm } from './generated/usage-block.js';
import { enumType, lowCardinality, nativeBlock, varString, type BlockColumn } from './native/block.js';
import { partitionOfEach, type PartitionRows } from './partition-rows.js';

/** Where an event stands in Kafka, kept so that every figure can be traced to the log. */
export interface RecordPosition {
  readonly offset: number;
  /** The record's Kafka timestamp in ms. */
  readonly timestampMs: number;
}

/** What assembly/usage-block.ts exports. Pointers are signed there, and below 2^31. */
interface Kernel extends Readonly<Record<Variable, WebAssembly.Global>> {
  readonly memory: WebAssembly.Memory;
  setFingerprint(low: number, high: number): void;
  begin(maxRows: number, bodyBytes: number, inputBytes: number): number;
  takeRecords(
    length: number,
    count: number,
    baseOffset: number,
    firstTimestampMs: number,
    appendedAtMs: number,
    firstWanted: number,
  ): number;
  takeBody(length: number, offset: number, timestampMs: number): number;
}

/** Where a column begins. `tokens` are seven columns, each as long as there may be rows. */
type FixedColumn =
  | 'occurredAt'
  | 'version'
  | 'revision'
  | 'retracted'
  | 'status'
  | 'origin'
  | 'tokens'
  | 'costIsNull'
  | 'cost'
  | 'attributeSizes'
  | 'offsets'
  | 'recordedAt';
type TextColumn = 'userId' | 'eventId' | 'sessionId' | 'attributeNames' | 'attributeValues';
/** Where the column's four words are: its indexes, its texts, their end, and how many there are. */
type RepeatedColumn = 'source' | 'team' | 'provider' | 'model';
type List = 'minutes' | 'users' | 'left';
type Variable =
  | FixedColumn
  | TextColumn
  | `${TextColumn}End`
  | RepeatedColumn
  | List
  | 'minuteCount'
  | 'userCount'
  | 'leftCount'
  | 'rows'
  | 'duplicates'
  | 'oldestMs';

const compiled = new WebAssembly.Module(Buffer.from(usageBlockWasm, 'base64'));

function newKernel(): Kernel {
  const { exports } = new WebAssembly.Instance(compiled, {
    env: {
      abort: () => {
        throw new Error('the block of usage events is broken');
      },
    },
  });
  const kernel = exports as Kernel;
  const { fingerprint } = usageRecorded;
  kernel.setFingerprint(Number(BigInt.asIntN(32, fingerprint)), Number(BigInt.asIntN(32, fingerprint >> 32n)));
  return kernel;
}

/** Where a text lies whose length stands before it. Ids are at most 256 bytes long, so that takes one byte or two. */
function shortTextAt(memory: Buffer, at: number): { readonly start: number; readonly end: number } {
  const low = memory[at] ?? 0;
  const [start, length] = low < 0x80 ? [at + 1, low] : [at + 2, (low & 0x7f) | ((memory[at + 1] ?? 0) << 7)];
  return { start, end: start + length };
}

/**
 * One block of rows of `usage_events` in ClickHouse's Native format, made from Avro without an object for an event: what is
 * plainly valid goes from the bytes of the log into columns (assembly/usage-block.ts). The rest comes as events, one by one.
 *
 * Its memory is used again by the next block, so that one is filled, inserted and begun anew. It grows with the
 * largest block, and stays so.
 */
export class UsageBlock {
  private readonly kernel = newKernel();
  private input = 0;
  private inputBytes = 0;
  private maxRows = 0;

  /**
   * @param maxRows 0 … 2^26.
   * @param bodyBytes upper bound of all rows' Avro bodies; that of whatever they were decoded from is one.
   * @param inputBytes upper bound of what is taken at once: of the records of one batch, and of a body.
   */
  begin(maxRows: number, bodyBytes: number, inputBytes: number): void {
    this.input = this.kernel.begin(maxRows, bodyBytes, inputBytes);
    if (this.input === 0) throw new Error(`there is no memory for a block of ${maxRows} rows of ${bodyBytes} bytes`);
    this.inputBytes = inputBytes;
    this.maxRows = maxRows;
  }

  /**
   * Takes all records that are plainly valid: in Avro's single-object encoding or in JSON, within every bound, in ASCII, and in
   * canonical form where they are Avro.
   *
   * @returns where in their bytes the others begin; undefined when they are not in Kafka's format: then the block is to be begun
   *   anew, as it may hold some of them.
   */
  takeRecords(records: PackedRecords): readonly number[] | undefined {
    const { kernel } = this;
    const { bytes, count, baseOffset, firstTimestampMs, appendedAtMs = NaN, firstOffset } = records;
    this.write(bytes);
    const wanted = kernel.takeRecords(bytes.length, count, baseOffset, firstTimestampMs, appendedAtMs, firstOffset);
    return wanted < 0 ? undefined : [...this.list('left', 'leftCount')];
  }

  takeEvent(event: UsageEvent, { offset, timestampMs }: RecordPosition): void {
    const body = canonicalBody(event);
    this.write(body);
    if (this.kernel.takeBody(body.length, offset, timestampMs) === 0) {
      throw new Error(`a valid event was not taken: ${JSON.stringify(event)}`);
    }
  }

  private write(bytes: Uint8Array): void {
    if (bytes.length > this.inputBytes)
      throw new RangeError(`${bytes.length} bytes where ${this.inputBytes} were said`);
    new Uint8Array(this.kernel.memory.buffer).set(bytes, this.input);
  }

  get rows(): number {
    return this.kernel.rows.value;
  }

  /** Rows of an identity that an earlier row has already; identities are compared by 64 bits of hash. */
  get duplicates(): number {
    return this.kernel.duplicates.value;
  }

  /** The least Kafka timestamp of all rows, in ms; Infinity when there is none. */
  get oldestRecordAtMs(): number {
    return this.kernel.oldestMs.value;
  }

  /** The minutes since the epoch that rows lie in, in no order. */
  minutes(): readonly number[] {
    return [...this.list('minutes', 'minuteCount')];
  }

  /** Each person of whom there is a row, once. */
  users(): readonly string[] {
    const memory = Buffer.from(this.kernel.memory.buffer);
    return Array.from(this.list('users', 'userCount'), (at) => {
      const { start, end } = shortTextAt(memory, at);
      return memory.toString('utf8', start, end);
    });
  }

  /** Each provider and model of which there is a row together, once. */
  pairs(): readonly { readonly provider: string; readonly model: string }[] {
    const [providers, models] = [this.dictionary('provider'), this.dictionary('model')];
    const seen = new Set<number>();
    for (let row = 0; row < this.rows; row += 1) {
      seen.add((providers.indexes[row] ?? 0) * models.texts.length + (models.indexes[row] ?? 0));
    }
    return [...seen].map((one) => ({
      provider: providers.texts[Math.floor(one / models.texts.length)] ?? '',
      model: models.texts[one % models.texts.length] ?? '',
    }));
  }

  private dictionary(which: RepeatedColumn): { readonly indexes: Uint32Array; readonly texts: readonly string[] } {
    const { buffer } = this.kernel.memory;
    const [indexes = 0, texts = 0, , count = 0] = new Uint32Array(buffer, this.kernel[which].value, 4);
    const memory = Buffer.from(buffer);
    let at = texts;
    return {
      indexes: new Uint32Array(buffer, indexes, this.rows),
      texts: Array.from({ length: count }, () => {
        const { start, end } = shortTextAt(memory, at);
        at = end;
        return memory.toString('utf8', start, end);
      }),
    };
  }

  /**
   * Inserts all rows in one request and one block; resolves when they are visible to every reader. The block must not be
   * begun anew before. The server makes one part of each day: a request for each day of a backfill took ten times as long. A
   * crash may leave some of the parts; the batch is repeated and the key collapses them.
   *
   * @param topic with its prefix.
   * @param partitions of all rows, in their order.
   */
  async insert(client: ClickHouseClient, topic: string, partitions: readonly PartitionRows[]): Promise<void> {
    const columns = this.columns(topic, partitions);
    const { stream } = await client.exec({
      query: `INSERT INTO usage_events (${Object.keys(columns).join(', ')}) FORMAT Native`,
      // Else the server would also replace rows within the block, which takes it a third of the whole insert and is done by merges.
      clickhouse_settings: { max_partitions_per_insert_block: '0', optimize_on_insert: 0 },
      values: Readable.from(nativeBlock(columns, this.rows), { objectMode: false }),
    });
    // The answer is empty; reading it to its end gives the connection back.
    await finished(stream.resume());
  }

  /** All rows in the Native format, in pieces of this block's memory. */
  bytes(topic: string, partitions: readonly PartitionRows[]): readonly Uint8Array[] {
    return nativeBlock(this.columns(topic, partitions), this.rows);
  }

  private columns(topic: string, partitions: readonly PartitionRows[]): Readonly<Record<string, BlockColumn>> {
    const { rows } = this;
    const partitionOfRow = partitionOfEach(partitions);
    if (partitionOfRow.length !== rows)
      throw new RangeError(`${partitionOfRow.length} of ${rows} rows have a partition`);
    const column = (type: string, ...bytes: readonly Uint8Array[]): BlockColumn => ({ type, bytes });
    const wide = (type: string, which: FixedColumn, width: number): BlockColumn =>
      column(type, this.fixed(which, width));
    const text = (which: TextColumn): BlockColumn => column('String', this.text(which));
    const tokens = (index: number): BlockColumn => column('UInt64', this.fixed('tokens', 8, index * 8 * this.maxRows));
    return {
      occurred_at: wide("DateTime64(3, 'UTC')", 'occurredAt', 8),
      user_id: text('userId'),
      source: this.repeated('source'),
      event_id: text('eventId'),
      version: wide('UInt128', 'version', 16),
      revision: wide('UInt32', 'revision', 4),
      retracted: wide('Bool', 'retracted', 1),
      team: this.repeated('team'),
      session_id: text('sessionId'),
      provider: this.repeated('provider'),
      model: this.repeated('model'),
      status: wide(enumType(usageStatusValues), 'status', 1),
      origin: wide(enumType(usageOriginValues), 'origin', 1),
      input_tokens: tokens(0),
      cache_read_tokens: tokens(1),
      cache_write_5m_tokens: tokens(2),
      cache_write_1h_tokens: tokens(3),
      cache_write_tokens: tokens(4),
      output_tokens: tokens(5),
      reasoning_tokens: tokens(6),
      cost_micro_usd: column('Nullable(UInt64)', this.fixed('costIsNull', 1), this.fixed('cost', 8)),
      attributes: column(
        'Map(String, String)',
        this.fixed('attributeSizes', 8),
        this.text('attributeNames'),
        this.text('attributeValues'),
      ),
      kafka_topic: lowCardinality(
        { count: 1, bytes: varString(topic) },
        { rows, width: 1, bytes: new Uint8Array(rows) },
      ),
      kafka_partition: column('UInt32', new Uint8Array(partitionOfRow.buffer)),
      kafka_offset: wide('UInt64', 'offsets', 8),
      recorded_at: wide("DateTime64(3, 'UTC')", 'recordedAt', 8),
    };
  }

  private fixed(which: FixedColumn, width: number, from = 0): Uint8Array {
    const { kernel } = this;
    return new Uint8Array(kernel.memory.buffer, kernel[which].value + from, this.rows * width);
  }

  private text(which: TextColumn): Uint8Array {
    const { kernel } = this;
    const start = kernel[which].value;
    return new Uint8Array(kernel.memory.buffer, start, kernel[`${which}End`].value - start);
  }

  private repeated(which: RepeatedColumn): BlockColumn {
    const { kernel, rows } = this;
    const { buffer } = kernel.memory;
    const [indexes = 0, texts = 0, textsEnd = 0, count = 0] = new Uint32Array(buffer, kernel[which].value, 4);
    return lowCardinality(
      { count, bytes: new Uint8Array(buffer, texts, textsEnd - texts) },
      { rows, width: 4, bytes: new Uint8Array(buffer, indexes, rows * 4) },
    );
  }

  private list(which: List, length: 'minuteCount' | 'userCount' | 'leftCount'): Uint32Array {
    const { kernel } = this;
    return new Uint32Array(kernel.memory.buffer, kernel[which].value, kernel[length].value);
  }
}
