import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch, Consumer, ConsumerConfig, ConsumerRunConfig, Kafka, KafkaMessage } from 'kafkajs';
import type { PackedRecords, StreamRecord } from '@laurel/stream';
import { HEARTBEAT_AT_EACH_OPPORTUNITY, keepMembership, noMembership } from './client/membership.js';
import { withBrokers, type Broker } from './client/brokers.js';
import { classifyKafkaFailure } from './failure.js';
import { decodeFetchResponse, FETCH_VERSION, RecordChunk, type FetchResponse } from './fetch-response.js';
import { FetchTurns, type FetchRequest } from './fetch-turns.js';
import { toRecord } from './records.js';

interface Exchange {
  readonly request: { readonly apiVersion: number };
  readonly response: { decode(raw: Buffer): Promise<FetchResponse> };
}

export interface BatchConsumerConfig extends Omit<ConsumerConfig, 'retry'> {
  /** Told of what ends the consumer for good. */
  readonly onFailure: (error: Error) => void;
}

/** As kafkajs has it. */
const HEARTBEAT_EVERY_MS = 3000;
/** After an outage that kafkajs doesn't restart after, in ms. */
const RESTART_AFTER_MS = 500;
/** How long a disconnect waits for a restart that is under way, in ms. */
const RESTARTED_WITHIN_MS = 5000;

/**
 * A consumer of kafkajs, which keeps its connections, group and commits, but whose answers to fetches are read by
 * `decodeFetchResponse`. Its batches are for `recordsOf` alone: their messages are not kafkajs'.
 *
 * It goes on after every outage. kafkajs does after most, but takes some for mistakes and stops for good, such as a group's
 * coordinator that can't be found while its broker comes back.
 *
 * Other consumers and producers of the same client are as they were.
 */
export function batchConsumer(
  kafka: Kafka,
  { onFailure, heartbeatInterval = HEARTBEAT_EVERY_MS, ...config }: BatchConsumerConfig,
): Consumer {
  let wanted: ConsumerRunConfig | undefined;
  const membership = noMembership();
  const changed = withBrokers(kafka, (broker) => {
    readOwnFetches(broker);
    keepMembership(broker, membership, heartbeatInterval);
  });
  const consumer = changed.consumer({
    ...config,
    heartbeatInterval: HEARTBEAT_AT_EACH_OPPORTUNITY,
    // One that was closed meanwhile shall not begin again, without anybody who could close it.
    retry: { restartOnFailure: () => Promise.resolve(wanted !== undefined) },
  });
  let restarting: Promise<void> = Promise.resolve();
  const restart = async (): Promise<void> => {
    await sleep(RESTART_AFTER_MS);
    try {
      if (wanted !== undefined) await consumer.connect();
      // It may have been closed meanwhile.
      if (wanted === undefined) await consumer.disconnect();
      else await consumer.run(wanted);
    } catch (error) {
      ended(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const ended = (error: Error): void => {
    if (classifyKafkaFailure(error) !== 'retriable') onFailure(error);
    else if (wanted !== undefined) restarting = restart();
  };
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) ended(payload.error);
  });
  return {
    ...consumer,
    run: (options) => {
      wanted = options;
      return consumer.run(options);
    },
    disconnect: async () => {
      wanted = undefined;
      await Promise.race([restarting, sleep(RESTARTED_WITHIN_MS, undefined, { ref: false })]);
      await consumer.disconnect();
    },
  };
}

function readOwnFetches(broker: Broker): void {
  const fetch = broker.fetch as (this: Broker, request: FetchRequest) => Promise<FetchResponse>;
  const turns = new FetchTurns();
  broker.fetch = async (request: FetchRequest) => {
    const firstWanted = offsetsOf(request);
    // For this one call, the broker finds another way to read the answer.
    const reading = Object.create(broker, {
      lookupRequest: {
        value: (apiKey: number, definition: unknown) => {
          const make = broker.lookupRequest(apiKey, definition) as (options: unknown) => Exchange;
          return (options: unknown): Exchange => {
            const exchange = make(options);
            if (exchange.request.apiVersion !== FETCH_VERSION) return exchange;
            const { response } = exchange;
            const decode = async (raw: Buffer): Promise<FetchResponse> =>
              (await decodeFetchResponse(raw, firstWanted)) ?? (await response.decode(raw));
            return { ...exchange, response: { ...response, decode } };
          };
        },
      },
    }) as Broker;
    const answer = await fetch.call(reading, turns.inTurn(request));
    turns.note(answer);
    return answer;
  };
}

function offsetsOf({ topics }: FetchRequest): (topic: string, partition: number) => number {
  const offsets = new Map(
    topics.map(({ topic, partitions }) => [
      topic,
      new Map(partitions.map(({ partition, fetchOffset }) => [partition, Number(fetchOffset)])),
    ]),
  );
  return (topic, partition) => offsets.get(topic)?.get(partition) ?? 0;
}

/** The records of a batch of a `batchConsumer`. There may be none, where only the last offset of a compacted batch was left. */
export function recordsOf({ messages }: Pick<Batch, 'messages'>): readonly StreamRecord[] {
  const chunks = messages as readonly (KafkaMessage | RecordChunk)[];
  return chunks.flatMap((one): readonly StreamRecord[] => (one instanceof RecordChunk ? one.records : [toRecord(one)]));
}

/** The same, unread; undefined where a broker is so old that kafkajs has read them, or some can't be read. */
export function packedRecordsOf({ messages }: Pick<Batch, 'messages'>): readonly PackedRecords[] | undefined {
  const chunks = messages as readonly (KafkaMessage | RecordChunk)[];
  const packed = chunks.filter((one) => one instanceof RecordChunk && one.unreadable === undefined) as RecordChunk[];
  return packed.length === chunks.length ? packed : undefined;
}
