import { setImmediate } from 'node:timers/promises';
import { crc32c } from '@node-rs/crc32';
import type { PackedRecords, StreamRecord } from '@laurel/stream';
import { FetchedRecord } from './fetched-record.js';
import { isForWantOfMemory, unpack } from './unpack.js';
import { WireReader } from './wire-reader.js';

/**
 * All records of one record batch of the log. It stands where kafkajs has a message of its own for each record, and tells
 * of itself what kafkajs asks of a message, so that kafkajs goes on by batches.
 */
export class RecordChunk implements PackedRecords {
  /** Of the batch's last offset, as kafkajs wants it. */
  readonly offset: string;
  private read: readonly StreamRecord[] | undefined;

  constructor(
    readonly bytes: Buffer,
    readonly count: number,
    readonly baseOffset: number,
    readonly lastOffset: number,
    readonly firstOffset: number,
    readonly firstTimestampMs: number,
    readonly appendedAtMs: number | undefined,
    /** Markers and aborted records: kafkajs counts their offsets and hands them to nobody. */
    readonly isControlRecord: boolean,
    /** Why `bytes` are not records, where they are not; then they are as they came. */
    readonly unreadable: string | undefined,
  ) {
    this.offset = String(lastOffset);
  }

  /** A batch that is broken is one record that can't be read, at its last offset. */
  get records(): readonly StreamRecord[] {
    this.read ??= this.readAll();
    return this.read;
  }

  recordAt(place: number): FetchedRecord {
    const wire = new WireReader(this.bytes);
    wire.at = place;
    return this.readOne(wire);
  }

  private readAll(): readonly StreamRecord[] {
    if (this.unreadable !== undefined) return [this.asOne(this.unreadable)];
    const records: FetchedRecord[] = [];
    const wire = new WireReader(this.bytes);
    try {
      for (let index = 0; index < this.count; index += 1) {
        const record = this.readOne(wire);
        if (record.offset >= this.firstOffset) records.push(record);
      }
    } catch (error) {
      return [this.asOne(messageOf(error))];
    }
    return records;
  }

  private asOne(why: string): StreamRecord {
    const { bytes: value, baseOffset, lastOffset: offset, firstTimestampMs, appendedAtMs } = this;
    const unreadable = {
      why: `the batch of offsets ${baseOffset} to ${offset} can't be read: ${why}`,
      firstOffset: this.firstOffset,
    };
    return { offset, key: null, value, headers: {}, timestampMs: appendedAtMs ?? firstTimestampMs, unreadable };
  }

  private readOne(wire: WireReader): FetchedRecord {
    const { bytes } = this;
    const end = wire.varint() + wire.at;
    if (!(end <= bytes.length)) throw new Error('a record goes beyond the end of its batch');
    wire.at += 1; // the record's attributes, of which there are none yet
    const timestampMs = this.firstTimestampMs + wire.varint();
    const offset = this.baseOffset + wire.varint();
    const keyLength = wire.varint();
    const keyStart = wire.at;
    wire.at += Math.max(0, keyLength);
    const valueLength = wire.varint();
    const valueStart = wire.at;
    const headersStart = valueStart + Math.max(0, valueLength);
    wire.at = end;
    return new FetchedRecord(
      bytes,
      offset,
      this.appendedAtMs ?? timestampMs,
      keyStart,
      keyLength,
      valueStart,
      valueLength,
      headersStart,
    );
  }
}

/** Of one partition, as kafkajs wants it. */
interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly lastStartOffset: string;
  /** Empty: aborted records are left out here. */
  readonly abortedTransactions: readonly never[];
  readonly preferredReadReplica: number;
  readonly messages: readonly RecordChunk[];
}

export interface FetchResponse {
  readonly throttleTime: number;
  readonly clientSideThrottleTime: number;
  readonly errorCode: number;
  readonly sessionId: number;
  readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartition[] }[];
}

interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** The only version of the request whose answers are read here; kafkajs asks with it wherever a broker knows it (Kafka 2.3). */
export const FETCH_VERSION = 11;

/** The record batch format of Kafka 0.11 and later. */
const MAGIC = 2;
/** From a batch's first byte to its count of records' end. */
const BATCH_HEADER_BYTES = 61;
/** Of these, what its length doesn't count. */
const BEFORE_LENGTH_BYTES = 12;

const COMPRESSION_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/**
 * Reads an answer to a fetch down to the batches of the log. kafkajs' own decoder makes a dozen objects of each record.
 * Source: Kafka protocol guide, "Fetch API (Key: 1)", version 11; "Record Batch" and "Control Batches".
 *
 * @param firstWanted the offset that was asked for: a batch is sent whole, also when that lies within it.
 * @returns undefined where a partition still has messages of before Kafka 0.11.
 * @throws Error when the bytes are not what the protocol says.
 */
export async function decodeFetchResponse(
  raw: Buffer,
  firstWanted: (topic: string, partition: number) => number,
): Promise<FetchResponse | undefined> {
  const wire = new WireReader(raw);
  const clientSideThrottleTime = wire.int32();
  const errorCode = wire.int16();
  const sessionId = wire.int32();
  const responses: { topicName: string; partitions: FetchedPartition[] }[] = [];
  const work = new FetchWork();
  for (let topics = wire.int32(); topics > 0; topics -= 1) {
    const topicName = wire.string();
    const partitions: FetchedPartition[] = [];
    for (let left = wire.int32(); left > 0; left -= 1) {
      const partition = wire.int32();
      const partitionError = wire.int16();
      const [highWatermark, lastStableOffset, lastStartOffset] = [wire.int64(), wire.int64(), wire.int64()];
      const aborted: AbortedTransaction[] = [];
      for (let count = wire.int32(); count > 0; count -= 1) {
        aborted.push({ producerId: wire.int64(), firstOffset: wire.int64() });
      }
      const preferredReadReplica = wire.int32();
      const size = Math.max(0, wire.int32());
      const messages = await readBatches(
        raw.subarray(wire.at, wire.at + size),
        aborted,
        firstWanted(topicName, partition),
        work,
      );
      if (messages === undefined) return undefined;
      wire.at += size;
      partitions.push({
        partition,
        errorCode: partitionError,
        highWatermark: String(highWatermark),
        lastStableOffset: String(lastStableOffset),
        lastStartOffset: String(lastStartOffset),
        abortedTransactions: [],
        preferredReadReplica,
        messages,
      });
    }
    responses.push({ topicName, partitions });
  }
  // The broker doesn't hold back for a client that it tells to; kafkajs does by the second figure.
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}

/**
 * The batches of one partition; the last may be cut short, and is asked for again then, and so is what would be too much work.
 * Aborted ones are found as Kafka's own client does (CompletedFetch.nextFetchedRecord): kafkajs begins at most one aborted
 * transaction a message, and hands out records of the second where a fetch begins within two.
 */
async function readBatches(
  bytes: Buffer,
  aborted: readonly AbortedTransaction[],
  firstWanted: number,
  work: FetchWork,
): Promise<readonly RecordChunk[] | undefined> {
  const chunks: RecordChunk[] = [];
  const begins = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  const abortedProducers = new Set<number>();
  const wire = new WireReader(bytes);
  for (let start = 0; start + BATCH_HEADER_BYTES <= bytes.length;) {
    wire.at = start;
    const baseOffset = wire.int64();
    const end = start + BEFORE_LENGTH_BYTES + wire.int32();
    wire.at += 4; // the leader's epoch
    if (wire.int8() !== MAGIC) return undefined;
    if (end > bytes.length) break;
    if (await work.isDone()) break;
    const checksum = wire.uint32();
    const checkedFrom = wire.at;
    const attributes = wire.int16();
    const lastOffset = baseOffset + wire.int32();
    const [firstTimestampMs, maxTimestampMs] = [wire.int64(), wire.int64()];
    const producerId = wire.int64();
    wire.at += 6; // the producer's epoch and sequence
    const count = wire.int32();
    start = end;

    while (begins[0] !== undefined && begins[0].firstOffset <= lastOffset) {
      abortedProducers.add(begins[0].producerId);
      begins.shift();
    }
    const isControl = (attributes & CONTROL) !== 0;
    const isAborted = (attributes & TRANSACTIONAL) !== 0 && abortedProducers.has(producerId);
    if (isControl) abortedProducers.delete(producerId);
    const isSkipped = isControl || isAborted;
    const body = bytes.subarray(wire.at, end);
    const compression = attributes & COMPRESSION_MASK;
    const unpacked: Unpacked = isSkipped
      ? { records: body, unreadable: undefined }
      : crc32c(bytes.subarray(checkedFrom, end)) !== checksum
        ? { records: body, unreadable: 'its checksum is another one' }
        : count > MAX_RECORDS_A_BATCH
          ? { records: body, unreadable: `it has more than ${MAX_RECORDS_A_BATCH} records` }
          : await unpacking(compression, body);
    work.add(unpacked, count);
    const appendedAtMs = (attributes & LOG_APPEND_TIME) === 0 ? undefined : maxTimestampMs;
    chunks.push(
      new RecordChunk(
        unpacked.records,
        count,
        baseOffset,
        lastOffset,
        Math.max(baseOffset, firstWanted),
        firstTimestampMs,
        appendedAtMs,
        isSkipped,
        unpacked.unreadable,
      ),
    );
  }
  return chunks;
}

interface Unpacked {
  readonly records: Buffer;
  readonly unreadable: string | undefined;
}

/** What one batch may come to. The broker bounds it before it is unpacked, by 2 MiB for the topic of events. */
export const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;
/** Of one batch; more of them than a batch of valid events has fit into 64 MiB, and each becomes an object. */
export const MAX_RECORDS_A_BATCH = 2 ** 19;
/** What all batches of one answer may come to. */
const MAX_UNPACKED_BYTES_A_FETCH = 256 * 1024 * 1024;
/** What a record takes beside its bytes, where it has to be read by itself. */
const BYTES_A_RECORD = 512;
/** After this long nothing more of an answer is unpacked, in ms: nothing else is done meanwhile, and a member is to be heard of. */
const MAX_WORK_MS = 3000;
/** After this long others are let in, in ms. */
const YIELD_AFTER_MS = 50;

/**
 * How much there is to do of one answer, in memory and time: what its bytes come to is anybody's. Its first batch is always taken, so
 * that it goes on; a partition that has nothing then is asked for again.
 */
class FetchWork {
  private readonly beganMs = performance.now();
  private yieldedMs = this.beganMs;
  private bytes = 0;
  private batches = 0;

  async isDone(): Promise<boolean> {
    if (this.batches === 0) return false;
    const nowMs = performance.now();
    if (this.bytes >= MAX_UNPACKED_BYTES_A_FETCH || nowMs - this.beganMs > MAX_WORK_MS) return true;
    if (nowMs - this.yieldedMs > YIELD_AFTER_MS) {
      await setImmediate();
      this.yieldedMs = performance.now();
    }
    return false;
  }

  /** Who could not unpack a batch may have had any part of it in memory. */
  add({ records, unreadable }: Unpacked, count: number): void {
    this.batches += 1;
    this.bytes += unreadable === undefined ? records.length + count * BYTES_A_RECORD : MAX_UNPACKED_BYTES;
  }
}

async function unpacking(compression: number, body: Buffer): Promise<Unpacked> {
  if (compression === 0) return { records: body, unreadable: undefined };
  try {
    return { records: await unpack(compression, body, MAX_UNPACKED_BYTES), unreadable: undefined };
  } catch (error) {
    // The fetch is repeated then.
    if (isForWantOfMemory(error)) throw error;
    return { records: body, unreadable: messageOf(error) };
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
