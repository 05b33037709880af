import { setTimeout as sleep } from 'node:timers/promises';
import { topics } from '@laurel/events';
import {
  classifyKafkaFailure,
  FencedWriter,
  isFenced,
  isTooLarge,
  partitionCounts,
  type ForeignRecord,
  type Kafka,
  type OutgoingRecord,
} from '@laurel/kafka';
import { keepTrying } from '@laurel/stream';
import { isOneWholeRecord, type Letter } from './letter-fold.js';
import { foldLetters, readWhole, type LetterSource } from './read-letters.js';
import { letterId, marker, REDRIVABLE, resent, type LetterId } from './redriven.js';

/** One for all redrives of one Laurel, so that a later one shuts out an earlier one. */
export const TRANSACTIONAL_ID = 'laurel-dead-letters';

/** How long the broker may take to end the transaction of a redrive that was killed, in ms. */
const CLAIM_DEADLINE_MS = 60_000;
const MAX_TRANSACTION_RECORDS = 500;
/** Of keys, values and headers; a larger letter goes alone. The topics' limit for a batch is four times as much. */
const MAX_TRANSACTION_BYTES = 512 * 1024;

export type RedriveFault = 'not_ours' | 'missing_topic' | 'fenced' | 'interrupted';

export class RedriveError extends Error {
  constructor(
    readonly code: RedriveFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'RedriveError';
  }
}

export interface RedriveOptions {
  /** Letters a second at most; a whole number from 1. Without it as fast as Kafka takes them. */
  readonly perSecond?: number | undefined;
  /** Told after each transaction. */
  readonly onProgress?: ((sent: number, total: number) => void) | undefined;
}

export interface Redriven {
  readonly sent: readonly Letter[];
  /** Sent again by somebody before this redrive came to it. */
  readonly sentBefore: readonly Letter[];
  /** Only their beginning was kept. */
  readonly truncated: readonly Letter[];
  /** Each a whole batch of the log that can't be read. */
  readonly batches: readonly Letter[];
  /** Their topic takes no record that large. */
  readonly tooLarge: readonly Letter[];
  /** Deleted by the retention of the topic meanwhile. */
  readonly gone: readonly Letter[];
}

/**
 * How many partitions each of the letters' topics has.
 *
 * @throws RedriveError `not_ours` or `missing_topic`: nothing may be sent there.
 */
export async function targetPartitions(
  kafka: Kafka,
  letters: readonly Letter[],
  topicPrefix: string,
): Promise<ReadonlyMap<string, number>> {
  const names = [...new Set(letters.map(({ topic }) => topic))];
  const ours = new Set(REDRIVABLE.map((name) => topicPrefix + name));
  const foreign = names.filter((name) => !ours.has(name));
  if (foreign.length > 0) {
    throw new RedriveError(
      'not_ours',
      `refused: letters came from ${foreign.join(', ')}; a redrive sends to ${[...ours].join(' and ')} only. Nothing was sent. Leave them out with --topic`,
    );
  }
  const counts = await partitionCounts(kafka, names);
  const missing = names.filter((name) => !counts.has(name));
  if (missing.length > 0) {
    throw new RedriveError(
      'missing_topic',
      `topic ${missing.join(', ')} does not exist; nothing was sent. Run: laurel topics apply`,
    );
  }
  return counts;
}

/**
 * Sends letters again, each once, however often it is begun, and wherever it was stopped: a letter and the marker that it
 * was sent are one transaction, and markers are read after every other writer has been fenced.
 *
 * @throws RedriveError
 */
export async function redrive(
  source: LetterSource,
  chosen: readonly Letter[],
  options: RedriveOptions = {},
): Promise<Redriven> {
  const { topicPrefix } = source;
  const partitions = await targetPartitions(source.kafka, chosen, topicPrefix);
  const sent = new Map<LetterId, Letter>();
  const tooLarge = new Map<LetterId, Letter>();
  // Half a second's worth, so that a slow redrive goes evenly.
  let atOnce = Math.min(MAX_TRANSACTION_RECORDS, Math.ceil((options.perSecond ?? Infinity) / 2));
  for (;;) {
    const writer = await claim(source);
    try {
      // Only now: what was read before the claim may have been sent by the one that the claim has shut out.
      const expired = new Map(chosen.map((letter) => [letterId(letter), letter]));
      const present = (await foldLetters(source)).letters().filter((letter) => expired.delete(letterId(letter)));
      const isOpen = (letter: Letter): boolean =>
        letter.redrivenAtMs === undefined &&
        isOneWholeRecord(letter) &&
        !sent.has(letterId(letter)) &&
        !tooLarge.has(letterId(letter));
      const open = present.filter(isOpen);
      const total = sent.size + open.length;
      const lot = new Lot(writer, topicPrefix, atOnce, options.perSecond, (letters) => {
        for (const letter of letters) sent.set(letterId(letter), letter);
        options.onProgress?.(sent.size, total);
      });
      const gone = await readWhole(source, open, (letter, whole) =>
        lot.add(letter, resent(whole, letter.place, partitions.get(letter.topic) ?? 0)),
      );
      await lot.send();
      const kept = present.filter((letter) => letter.redrivenAtMs === undefined && !isOneWholeRecord(letter));
      return {
        sent: [...sent.values()],
        sentBefore: present.filter((letter) => letter.redrivenAtMs !== undefined && !sent.has(letterId(letter))),
        truncated: kept.filter(({ batchFrom }) => batchFrom === undefined),
        batches: kept.filter(({ batchFrom }) => batchFrom !== undefined),
        tooLarge: [...tooLarge.values()],
        gone: [...gone, ...expired.values()].filter((letter) => !sent.has(letterId(letter))),
      };
    } catch (error) {
      if (!(error instanceof TooLarge)) throw failure(error, sent.size);
      // The writer is of no use after an error; the others go on with a new one. Which of several it is shows when it stands alone.
      const [first, ...others] = error.letters;
      if (first !== undefined && others.length === 0) tooLarge.set(letterId(first), first);
      atOnce = Math.ceil(error.letters.length / 2);
    } finally {
      await writer.close();
    }
  }
}

function failure(error: unknown, sent: number): unknown {
  if (isFenced(error)) {
    return new RedriveError(
      'fenced',
      `another redrive has begun and took over from this one, which had sent ${sent}. Run again to send what may be left`,
      { cause: error },
    );
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new RedriveError(
    'interrupted',
    `stopped after ${sent}: ${reason}. Run again: it sends only what was not sent`,
    { cause: error },
  );
}

async function claim({ kafka, topicPrefix }: LetterSource): Promise<FencedWriter> {
  try {
    return await keepTrying(
      'claim',
      () => FencedWriter.claim(kafka, topicPrefix + TRANSACTIONAL_ID, topicPrefix, { compression: 'lz4' }),
      { classify: classifyKafkaFailure, maxDelayMs: 500, withinMs: CLAIM_DEADLINE_MS },
    );
  } catch (error) {
    throw failure(error, 0);
  }
}

/** At least one of these is. */
class TooLarge extends Error {
  constructor(readonly letters: readonly Letter[]) {
    super();
  }
}

/** Gathers letters up to a transaction's worth. */
class Lot {
  private letters: Letter[] = [];
  private records: Record<string, ForeignRecord[]> = {};
  private markers: OutgoingRecord[] = [];
  private bytes = 0;
  private sent = 0;
  private readonly startedAtMs = Date.now();

  constructor(
    private readonly writer: FencedWriter,
    private readonly topicPrefix: string,
    private readonly maxRecords: number,
    private readonly perSecond: number | undefined,
    private readonly onSent: (letters: readonly Letter[]) => void,
  ) {}

  async add(letter: Letter, record: ForeignRecord): Promise<void> {
    const size = bytesOf(record);
    if (this.bytes + size > MAX_TRANSACTION_BYTES) await this.send();
    (this.records[letter.topic.slice(this.topicPrefix.length)] ??= []).push(record);
    this.markers.push(marker(letter, Date.now()));
    this.letters.push(letter);
    this.bytes += size;
    if (this.letters.length >= this.maxRecords) await this.send();
  }

  async send(): Promise<void> {
    const { letters, records, markers } = this;
    if (letters.length === 0) return;
    try {
      await this.writer.write({ ...records, [topics.deadLetters.name]: markers });
    } catch (error) {
      throw isTooLarge(error) ? new TooLarge(letters) : error;
    }
    this.letters = [];
    this.records = {};
    this.markers = [];
    this.bytes = 0;
    this.sent += letters.length;
    this.onSent(letters);
    if (this.perSecond === undefined) return;
    const dueInMs = this.startedAtMs + (this.sent / this.perSecond) * 1000 - Date.now();
    if (dueInMs > 0) await sleep(dueInMs);
  }
}

function bytesOf({ key, value, headers = {} }: ForeignRecord): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, one] of Object.entries(headers)) bytes += Buffer.byteLength(name) + one.length;
  return bytes;
}
