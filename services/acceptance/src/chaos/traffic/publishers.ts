import { setTimeout as sleep } from 'node:timers/promises';
import { noTokens, topics, usageRecorded, type UsageRecorded } from '@laurel/events';
import { kafkaClient } from '@laurel/kafka';
import { createPublisher, type Publisher } from '@laurel/publisher';
import kafkajs, { type Message, type Producer } from 'kafkajs';
import type { Random } from '../random.js';
import type { World } from '../world/world.js';
import { frame } from './framings.js';
import { LONELY_MARK, RecordBook, REFUSED_MARK, SERIAL_HEADER, states } from './record-book.js';
import { dayBefore, lonelyHour, TrafficStream, type Draft } from './stream.js';

/** A record with its number. */
interface Numbered {
  readonly serial: number;
  readonly message: Message;
}

const TICK_MS = 50;
/** A publisher that has fallen behind catches up in requests of at most so many records. */
const MOST_A_REQUEST = 4000;
/** Of the whole rate: through transactions, and through the publisher's SDK. */
const TRANSACTIONAL_SHARE = 0.04;
/** A partition that was added is soon written to. */
const METADATA_MAX_AGE_MS = 5000;
const SDK_A_TICK = 1;
const SDK_SOURCE = 'chaos-sdk';

/** Everybody who publishes: two plain producers, one with transactions, and one tool with Laurel's own SDK. */
export class Publishers {
  readonly book = new RecordBook();
  /** SDK events' numbers by their ids. */
  readonly sdkSerials = new Map<string, number>();
  private readonly producers: Producer[] = [];
  private readonly running: Promise<void>[] = [];
  private readonly stopped = new AbortController();
  private readonly sdk: Publisher;
  private readonly streams: TrafficStream[];
  private partitions: number;
  private abortWanted: (() => void)[] = [];
  private crowns = 0;
  private lonely = 0;
  resent = 0;
  abortedTransactions = 0;

  private constructor(
    private readonly world: World,
    private readonly random: Random,
    private readonly rate: number,
    private readonly startMs: number,
    partitions: number,
  ) {
    this.partitions = partitions;
    this.streams = ['a', 'b', 'tx'].map((name) => new TrafficStream(name, random.fork(`traffic ${name}`), startMs));
    this.sdk = createPublisher({
      kafka: {
        brokers: [`127.0.0.1:${world.publishersProxy.port}`],
        requestTimeoutMs: 5000,
        connectionTimeoutMs: 2000,
      },
      topic: world.topic(topics.usageEvents.name),
      source: SDK_SOURCE,
      maxRetryDelayMs: 500,
      onError: () => undefined,
    });
  }

  static async start(world: World, random: Random, rate: number): Promise<Publishers> {
    const publishers = new Publishers(world, random, rate, Date.now(), topics.usageEvents.partitions);
    await publishers.run();
    return publishers;
  }

  private async producer(options: kafkajs.ProducerConfig = {}): Promise<Producer> {
    const kafka = kafkaClient({
      brokers: [`127.0.0.1:${this.world.publishersProxy.port}`],
      clientId: 'chaos-publisher',
      requestTimeoutMs: 5000,
      connectionTimeoutMs: 2000,
    });
    const producer = kafka.producer({
      allowAutoTopicCreation: false,
      retry: { retries: 0 },
      metadataMaxAge: METADATA_MAX_AGE_MS,
      ...options,
    });
    await producer.connect();
    this.producers.push(producer);
    return producer;
  }

  private async run(): Promise<void> {
    const [a, b, tx] = this.streams;
    if (a === undefined || b === undefined || tx === undefined) throw new Error('there are three streams');
    const half = (this.rate * (1 - TRANSACTIONAL_SHARE)) / 2;
    const plain = [await this.producer(), await this.producer()] as const;
    this.running.push(
      this.pace(a, half, (records) => this.send(plain[0], records)),
      this.pace(b, half, (records) => this.send(plain[1], records)),
      this.transactions(tx, this.rate * TRANSACTIONAL_SHARE),
      this.recordBySdk(),
    );
  }

  /** Resolves when all that was to be sent is acknowledged, and each partition ends with a record that anybody can read. */
  async stop(): Promise<void> {
    this.stopped.abort();
    await Promise.all(this.running);
    const report = await this.sdk.close({ timeoutMs: 60_000 });
    if (report.undelivered.length > 0) throw new Error(`the SDK left ${report.undelivered.length} events undelivered`);
    this.book.mark(this.sdkSerials.values(), states.acknowledged);
    const last = Array.from({ length: this.partitions }, (_, partition): Draft & { partition: number } => ({
      ...this.drafted(`end-${partition}`, 'u-end', Date.now()),
      partition,
    }));
    const producer = await this.producer();
    await this.send(
      producer,
      last.map((draft) => this.number(draft, draft.partition)),
    );
    await Promise.all(this.producers.map((one) => one.disconnect()));
  }

  /** The topic has so many partitions from now on. */
  usePartitions(count: number): void {
    this.partitions = count;
  }

  get partitionCount(): number {
    return this.partitions;
  }

  /** Valid events that the storage refuses. */
  async publishRefused(count: number): Promise<void> {
    const now = Date.now();
    const first = this.book.size;
    const drafts = Array.from({ length: count }, (_, index) =>
      this.drafted(`${REFUSED_MARK}${first + index}`, `u-${index % 7}`, now - index, 'storage_rejected'),
    );
    await this.publish(drafts);
  }

  /** One event in each of some hours that have no others. */
  async publishLonely(): Promise<void> {
    const drafts = Array.from({ length: 6 }, (_, index) => {
      const serial = this.book.size + index;
      const { value, ...draft } = this.drafted(
        `${LONELY_MARK}${serial}`,
        `u-${index}`,
        lonelyHour(this.startMs, this.lonely + index),
      );
      return { ...draft, value };
    });
    this.lonely += drafts.length;
    await this.publish(drafts);
  }

  /**
   * Makes another one lead by far, and the one before nobody: titles change hands. Each time a revision of the same few
   * events, so that it can go on for ever.
   */
  async crown(): Promise<void> {
    this.crowns += 1;
    const people = ['u-crown-0', 'u-crown-1'];
    const drafts = people.flatMap((user, index) =>
      [2, 3, 4, 5, 6].flatMap((day) =>
        // A minute brings in half a million.
        [0, 1, 2, 3].map((minute) => {
          const input = this.crowns % people.length === index ? 100_000_000 : 1;
          const at = dayBefore(this.startMs, day) + minute * 60_000;
          return this.drafted(`crown-${user}-${day}-${minute}`, user, at, undefined, {
            revision: this.crowns,
            tokens: { ...noTokens, input },
          });
        }),
      ),
    );
    await this.publish(drafts);
  }

  /** Resolves when a transaction with records of many partitions was aborted. */
  abortOne(): Promise<void> {
    return new Promise((resolve) => this.abortWanted.push(resolve));
  }

  private async publish(drafts: readonly Draft[]): Promise<void> {
    const [producer] = this.producers;
    if (producer === undefined) throw new Error('nobody publishes yet');
    await this.send(
      producer,
      drafts.map((draft) => this.number(draft)),
    );
  }

  private drafted(
    id: string,
    user: string,
    occurredAtMs: number,
    code?: Draft['code'],
    fields: Partial<UsageRecorded> = {},
  ): Draft {
    const event: UsageRecorded = {
      event_id: id,
      source: 'chaos',
      revision: 0,
      retracted: false,
      occurred_at: occurredAtMs,
      user_id: user,
      team: null,
      session_id: null,
      provider: 'anthropic',
      model: 'claude-sonnet-4-6',
      tokens: { ...noTokens, input: 1 },
      cost_micro_usd: null,
      status: 'ok',
      origin: 'main',
      attributes: {},
      ...fields,
    };
    // Of what is refused by a mark in its bytes, the bytes are to hold it.
    const framed = code === undefined ? frame(event, this.random) : { value: usageRecorded.encode(event) };
    return { key: user, ...framed, code };
  }

  /**
   * @param partition only one that the producer knows: kafkajs leaves out records for others without a word
   *   (`findLeaderForPartitions` in its cluster/index.js). Default by the key.
   */
  private number(draft: Draft, partition?: number): Numbered {
    const serial = this.book.add(draft.value, draft.code);
    const header = Buffer.alloc(4);
    header.writeUInt32BE(serial);
    return {
      serial,
      message: {
        key: draft.key,
        value: draft.value,
        ...(partition === undefined ? {} : { partition }),
        headers: { ...draft.headers, [SERIAL_HEADER]: header },
      },
    };
  }

  /** As many records as time has brought, until the end. */
  private async pace(
    stream: TrafficStream,
    rate: number,
    send: (records: readonly Numbered[]) => Promise<void>,
  ): Promise<void> {
    const began = performance.now();
    let sent = 0;
    while (!this.stopped.signal.aborted) {
      const due = ((performance.now() - began) / 1000) * rate;
      const records: Numbered[] = [];
      while (sent < due && records.length < MOST_A_REQUEST) {
        for (const draft of stream.next(Math.floor(this.startMs + (sent * 1000) / rate))) {
          records.push(this.number(draft));
          sent += 1;
        }
      }
      if (records.length > 0) await send(records);
      await sleep(TICK_MS);
    }
  }

  /** Until it is acknowledged; what was sent again may be there twice. */
  private async send(producer: Producer, records: readonly Numbered[]): Promise<void> {
    const { world } = this;
    for (;;) {
      try {
        await producer.send({
          topic: world.topic(topics.usageEvents.name),
          acks: -1,
          compression: kafkajs.CompressionTypes.LZ4,
          messages: records.map(({ message }) => message),
        });
        break;
      } catch {
        this.resent += records.length;
        await sleep(100);
      }
    }
    this.book.mark(
      records.map(({ serial }) => serial),
      states.acknowledged,
    );
  }

  private async transactions(stream: TrafficStream, rate: number): Promise<void> {
    const random = this.random.fork('transactions');
    let producer: Producer | undefined;
    const open = (): Promise<Producer> =>
      this.producer({
        transactionalId: `${this.world.prefix}chaos`,
        maxInFlightRequests: 1,
        transactionTimeout: 30_000,
      });
    await this.pace(stream, rate, async (records) => {
      const wanted = this.abortWanted.splice(0);
      const abort = wanted.length > 0 || random.chance(0.05);
      // What is aborted is published again, as its tool was told that it failed: half of it.
      const again = abort ? this.numberAgain(records) : [];
      await this.transact(
        async () => (producer ??= await open()),
        records,
        abort,
        () => (producer = undefined),
      );
      if (abort) this.abortedTransactions += 1;
      for (const resolve of wanted) resolve();
      if (again.length > 0) {
        await this.transact(
          async () => (producer ??= await open()),
          again,
          false,
          () => (producer = undefined),
        );
      }
    });
  }

  private numberAgain(records: readonly Numbered[]): readonly Numbered[] {
    return records
      .filter((_, index) => index % 2 === 0)
      .map(({ serial, message }) => {
        const { key, value, headers } = message;
        const kept = Object.entries(headers ?? {}).filter(([name]) => name !== SERIAL_HEADER);
        return this.number({
          key: String(key),
          value: value as Buffer | null,
          headers: Object.fromEntries(kept) as Record<string, string>,
          code: this.book.codeOf(serial),
        });
      });
  }

  /** Until it is known how it ended. An outcome that isn't known is left so, and the records are published once more. */
  private async transact(
    producerOf: () => Promise<Producer>,
    records: readonly Numbered[],
    abort: boolean,
    discard: () => void,
  ): Promise<void> {
    const serials = records.map(({ serial }) => serial);
    for (;;) {
      try {
        const transaction = await (await producerOf()).transaction();
        await transaction.send({
          topic: this.world.topic(topics.usageEvents.name),
          acks: -1,
          compression: kafkajs.CompressionTypes.LZ4,
          messages: records.map(({ message }) => message),
        });
        if (abort) await transaction.abort();
        else await transaction.commit();
        this.book.mark(serials, abort ? states.aborted : states.acknowledged);
        return;
      } catch {
        discard();
        // Nobody commits it any more, as the next producer fences this one; but an EndTxn may be under way.
        if (abort) {
          this.book.mark(serials, states.aborted);
          await sleep(100);
          return;
        }
        this.resent += records.length;
        await sleep(200);
      }
    }
  }

  /** What was recorded before a flush has ended is acknowledged. */
  private async recordBySdk(): Promise<void> {
    const random = this.random.fork('sdk');
    let count = 0;
    while (!this.stopped.signal.aborted) {
      for (let index = 0; index < SDK_A_TICK && !this.sdk.full; index += 1) {
        const id = `sdk-${count}`;
        count += 1;
        this.sdkSerials.set(id, this.book.add(null, undefined));
        const taken = this.sdk.record({
          event_id: id,
          user_id: `u-${random.below(9)}`,
          provider: 'anthropic',
          model: 'claude-sonnet-4-6',
          tokens: { input: random.below(100), output: random.below(100) },
          origin: 'main',
        });
        if (!taken.accepted) throw new Error(`the SDK refused an event: ${taken.error.message}`);
      }
      await sleep(TICK_MS);
    }
  }
}
