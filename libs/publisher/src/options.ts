import { topics, usageLimits } from '@laurel/events';
import type { KafkaSasl, KafkaLog } from '@laurel/kafka/client';
import { PublisherError } from './errors.js';
import type { Compression } from './kafka-sink.js';
import type { Stream } from './record-buffer.js';

/** TLS for a cluster: PEM text or bytes, as Node's `tls.connect` takes them. */
export interface TlsOptions {
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  readonly cert?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  readonly key?: string | Uint8Array | readonly (string | Uint8Array | object)[] | undefined;
  readonly passphrase?: string | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
}

/** How to reach the Kafka cluster. */
export interface PublisherKafka {
  /** host:port of at least one broker. */
  readonly brokers: readonly string[];
  /** Shows in the broker's logs and quotas. Default laurel-publisher. */
  readonly clientId?: string | undefined;
  /** True for the system's certificate authorities. Default false. */
  readonly ssl?: boolean | TlsOptions | undefined;
  readonly sasl?: KafkaSasl | undefined;
  /** Until a connection stands, in ms. Default 10 000. */
  readonly connectionTimeoutMs?: number | undefined;
  /** Until a request is answered, in ms. Default 30 000. */
  readonly requestTimeoutMs?: number | undefined;
}

/** How the publisher gathers and holds records. */
export interface BufferingOptions {
  /** The tool's name, once for all its events; 1 to 256 bytes. */
  readonly source: string;
  /** A record waits at most this long for others to share its request, in ms; 0 to 60 000. Default 20. */
  readonly lingerMs?: number | undefined;
  /** A batch holds at most this many bytes before compression; 1 KiB to 1 MiB. Default 256 KiB. */
  readonly maxBatchBytes?: number | undefined;
  /** Records that wait for their acknowledgement take at most this much memory; 64 KiB to 1 GiB. Default 32 MiB. */
  readonly maxBufferedBytes?: number | undefined;
  /** The longest pause between two attempts, in ms; 100 to 600 000. The first is 100 ms. Default 5 000. */
  readonly maxRetryDelayMs?: number | undefined;
  /** Without records for this long, the connection is closed until the next one, in ms; 100 or more. Default 5 000. */
  readonly idleDisconnectMs?: number | undefined;
  /** When the process ends by itself without `close()`: how long to deliver what waits, in ms. Default 5 000. */
  readonly exitTimeoutMs?: number | undefined;
  /** Told of every event that is refused or undeliverable, and of outages. Default: a process warning, seldom. */
  readonly onError?: ((error: PublisherError) => void) | undefined;
}

export interface PublisherOptions extends BufferingOptions {
  readonly kafka: PublisherKafka;
  /** Of usage events. Default usage.events.v1. */
  readonly topic?: string | undefined;
  /** Default usage.outcomes.v1. */
  readonly outcomesTopic?: string | undefined;
  /** Default lz4. */
  readonly compression?: Compression | undefined;
  /** Receives the Kafka client's log lines. Default: none. */
  readonly log?: KafkaLog | undefined;
}

export type ResolvedBuffering = Required<{
  [K in keyof Omit<BufferingOptions, 'onError'>]: NonNullable<BufferingOptions[K]>;
}>;

const KIB = 1024;

/** [default, least, most] */
const NUMBERS = {
  lingerMs: [20, 0, 60_000],
  maxBatchBytes: [256 * KIB, KIB, KIB * KIB],
  maxBufferedBytes: [32 * KIB * KIB, 64 * KIB, KIB * KIB * KIB],
  maxRetryDelayMs: [5_000, 100, 600_000],
  idleDisconnectMs: [5_000, 100, 86_400_000],
  exitTimeoutMs: [5_000, 0, 600_000],
} as const;

/** Defaults filled in; throws `invalid_options` that names every fault at once. */
export function resolveBuffering(options: BufferingOptions): ResolvedBuffering {
  const faults: string[] = [];
  const sourceBytes = typeof options.source === 'string' ? Buffer.byteLength(options.source) : 0;
  if (sourceBytes < 1 || sourceBytes > usageLimits.maxIdBytes) faults.push('source is not 1 to 256 bytes long');
  const number = (name: keyof typeof NUMBERS): number => {
    const [absent, least, most] = NUMBERS[name];
    const value = options[name] ?? absent;
    if (!(Number.isFinite(value) && value >= least && value <= most)) faults.push(`${name} is not ${least} to ${most}`);
    return value;
  };
  const resolved = {
    source: options.source,
    lingerMs: number('lingerMs'),
    maxBatchBytes: number('maxBatchBytes'),
    maxBufferedBytes: number('maxBufferedBytes'),
    maxRetryDelayMs: number('maxRetryDelayMs'),
    idleDisconnectMs: number('idleDisconnectMs'),
    exitTimeoutMs: number('exitTimeoutMs'),
  };
  throwFaults(faults);
  return resolved;
}

const COMPRESSIONS: readonly string[] = ['lz4', 'gzip', 'snappy', 'none'] satisfies readonly Compression[];

export interface ResolvedKafka {
  readonly topics: Readonly<Record<Stream, string>>;
  readonly compression: Compression;
}

export function resolveKafka(options: PublisherOptions): ResolvedKafka {
  const faults: string[] = [];
  const { kafka, compression = 'lz4' } = options;
  const { topic: usage = topics.usageEvents.name, outcomesTopic: outcomes = topics.usageOutcomes.name } = options;
  const brokers: unknown = (kafka as Partial<PublisherKafka> | undefined)?.brokers;
  if (!Array.isArray(brokers) || brokers.length === 0) faults.push('kafka.brokers names no broker');
  if (usage === '') faults.push('topic is empty');
  if (outcomes === '') faults.push('outcomesTopic is empty');
  if (usage === outcomes) faults.push('outcomesTopic is the topic of usage events');
  if (!COMPRESSIONS.includes(compression)) faults.push(`compression is not one of ${COMPRESSIONS.join(', ')}`);
  throwFaults(faults);
  return { topics: { usage, outcomes }, compression };
}

function throwFaults(faults: readonly string[]): void {
  if (faults.length === 0) return;
  throw new PublisherError('invalid_options', `createPublisher: ${faults.join('; ')}`, { retryable: false });
}
