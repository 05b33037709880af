import { PriceKeeper, type ClickHouseClient } from '@laurel/clickhouse';
import { outcomeReaderForSchema, topics, usageReaderForSchema } from '@laurel/events';
import { IngestPorts, OutcomeStore, UsageStore } from '@laurel/ingest';
import {
  isFenced,
  RangeReader,
  RangeStalled,
  RegistrySchemas,
  SchemaRegistry,
  type Kafka,
  type RecordProducer,
  type RegistryConnection,
} from '@laurel/kafka';
import { classifyOutage } from '@laurel/service-host/settings';
import { keepTrying, type RetryPolicy } from '@laurel/stream';
import type { PriceCatalogue } from '@laurel/usage/price-list';
import { outcomeLog, usageLog, type AuditedLog } from './log.js';
import type { Progress } from './progress.js';

export interface WorldOptions {
  readonly topicPrefix: string;
  readonly registry: RegistryConnection | undefined;
  readonly prices: PriceCatalogue;
  /** How long an outage is waited out, and how long a service may make no progress that is waited for, in ms. */
  readonly patienceMs: number;
  /** How long after its end the projector closes an hour, in ms. */
  readonly hourCloseDelayMs: number;
}

/** Something could not be asked or waited for, in reasonable time: no statement is made. */
export class CouldNotCheck extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'CouldNotCheck';
  }
}

/** What the audit looks at and, to heal, writes to. */
export class AuditWorld {
  readonly groups: { readonly ingest: string; readonly projector: string; readonly awarder: string };
  /** What publishers write: usage events and outcomes. */
  readonly logs: readonly AuditedLog[];
  readonly hasRegistry: boolean;
  readonly policy: RetryPolicy;
  private readonly readers: Promise<RangeReader>[] = [];
  private lastOutage: Error | undefined;
  /** What is to be told when an outage begins. */
  private readonly waits = new Set<() => void>();

  constructor(
    readonly kafka: Kafka,
    readonly clickhouse: ClickHouseClient,
    readonly producer: RecordProducer,
    readonly options: WorldOptions,
    readonly progress: Progress,
  ) {
    const { topicPrefix, registry, prices } = options;
    this.groups = {
      ingest: `${topicPrefix}laurel-usage-ingest`,
      projector: `${topicPrefix}laurel-usage-projector`,
      awarder: `${topicPrefix}laurel-title-awarder`,
    };
    this.hasRegistry = registry !== undefined;
    this.policy = {
      maxDelayMs: 2000,
      classify: (error) => (error instanceof RangeStalled || isFenced(error) ? 'retriable' : classifyOutage(error)),
      onOutage: (step, error, attempt) => {
        this.lastOutage = error;
        for (const begins of this.waits) begins();
        progress.show(`${step}: ${error.message} (attempt ${attempt})`);
      },
    };
    const schemas = new SchemaRegistry(registry);
    const usage = new UsageStore(
      clickhouse,
      new RegistrySchemas(schemas, usageReaderForSchema),
      new PriceKeeper(clickhouse, prices),
      this.policy,
    );
    const outcomes = new OutcomeStore(clickhouse, new RegistrySchemas(schemas, outcomeReaderForSchema), this.policy);
    this.logs = [
      usageLog(
        clickhouse,
        topicPrefix,
        new IngestPorts(clickhouse, producer, usage, topicPrefix),
        this.readerOf('usageEvents'),
      ),
      outcomeLog(
        clickhouse,
        topicPrefix,
        new IngestPorts(clickhouse, producer, outcomes, topicPrefix),
        this.readerOf('usageOutcomes'),
      ),
    ];
  }

  topic(declared: keyof typeof topics): string {
    return this.options.topicPrefix + topics[declared].name;
  }

  /** Repeats through an outage, for as long as patience lasts. @throws CouldNotCheck */
  attempt<T>(step: string, work: () => Promise<T>): Promise<T> {
    return this.patiently(step, (signal) => keepTrying(step, work, this.policy, signal));
  }

  /**
   * For work that repeats by itself, by the policy, until the signal aborts: patience runs from the first failure on, as a
   * query may well take longer.
   *
   * @throws CouldNotCheck
   */
  async patiently<T>(step: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const ended = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const outageBegins = (): void => {
      timer ??= setTimeout(() => ended.abort(), this.options.patienceMs);
    };
    this.waits.add(outageBegins);
    try {
      return await work(ended.signal);
    } catch (error) {
      if (!ended.signal.aborted) throw error;
      const cause = this.lastOutage ?? error;
      throw new CouldNotCheck(`${step}: ${messageOf(cause)}`, cause);
    } finally {
      clearTimeout(timer);
      this.waits.delete(outageBegins);
    }
  }

  private readerOf(declared: AuditedLog['declared']): () => Promise<RangeReader> {
    let reader: Promise<RangeReader> | undefined;
    return () => {
      if (reader !== undefined) return reader;
      reader = this.attempt('reading the log', () =>
        RangeReader.open(this.kafka, {
          topic: this.topic(declared),
          groupPrefix: `${this.options.topicPrefix}laurel-audit-`,
          stallTimeoutMs: this.options.patienceMs,
        }),
      );
      this.readers.push(reader);
      return reader;
    };
  }

  async close(): Promise<void> {
    for (const reader of this.readers) await reader.then((one) => one.close()).catch(() => undefined);
    await this.producer.close().catch(() => undefined);
    await this.clickhouse.close();
  }
}

/** Some errors of connections have no message, only a code or the errors of each address. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  return 'code' in error ? String(error.code) : error.name;
}
