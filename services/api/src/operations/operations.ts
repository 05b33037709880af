import {
  flaggedUsage,
  latestOutcomes,
  ledgerNow,
  type CheckOutcome,
  type ClickHouseClient,
  type FlaggedUsage,
  type LedgerNow,
} from '@laurel/clickhouse';
import { readDeadLetter, topics, type DeadLetter } from '@laurel/events';
import { signalIds } from '@laurel/fair-play';
import { behindOf, partitionOffsets, RangeReader, topicOffsets, type Kafka } from '@laurel/kafka';
import { dayOf, type Day } from '@laurel/usage';
import { Reused } from '../reused.js';

/** How far the consumers of one topic are. */
export interface Lag {
  readonly group: string;
  readonly topic: string;
  /** Records yet to be committed; null for a group that never was here. */
  readonly behind: number | null;
}

export interface Operations {
  readonly atMs: number;
  readonly lags: readonly Lag[];
  readonly ledger: LedgerNow;
  /** The last of each check that an audit made. */
  readonly checks: readonly CheckOutcome[];
  /** The newest ones, the newest first. */
  readonly deadLetters: readonly DeadLetter[];
  /** In the days from `firstDay` to today. */
  readonly flagged: FlaggedUsage;
  readonly firstDay: Day;
}

/** Dead letters of each partition that are looked at, and of all those that are shown, at most. */
const NEWEST = 50;

const FLAGGED_DAYS = 30;

/** How the whole pipeline is, by Kafka and the tables; services are not asked, as nobody here knows where they are. */
export class OperationsReads {
  private readonly now = new Reused<Operations>(() => this.read());

  constructor(
    private readonly kafka: Kafka,
    private readonly topicPrefix: string,
    private readonly clickhouse: ClickHouseClient,
  ) {}

  get(): Promise<Operations> {
    return this.now.get();
  }

  private async read(): Promise<Operations> {
    const atMs = Date.now();
    const last = dayOf(atMs);
    const firstDay = (last - FLAGGED_DAYS + 1) as Day;
    const logs = [topics.usageEvents, topics.usageOutcomes].map(({ name }) => this.topicPrefix + name);
    const [lags, ledger, checks, deadLetters, flagged] = await Promise.all([
      this.lags(),
      ledgerNow(this.clickhouse, logs),
      latestOutcomes(this.clickhouse),
      this.newestDeadLetters(),
      flaggedUsage(this.clickhouse, signalIds, firstDay, last),
    ]);
    return { atMs, lags, ledger, checks, deadLetters, flagged, firstDay };
  }

  private lags(): Promise<readonly Lag[]> {
    const followed = [
      ['laurel-usage-ingest', topics.usageEvents.name],
      ['laurel-usage-ingest', topics.usageOutcomes.name],
      ['laurel-usage-projector', topics.usageStored.name],
      ['laurel-title-awarder', topics.usageProjected.name],
      ['laurel-award-notifier', topics.titleAwards.name],
    ] as const;
    return Promise.all(
      followed.map(async ([group, topic]) => {
        const offsets = await partitionOffsets(this.kafka, this.topicPrefix + group, this.topicPrefix + topic);
        return { group, topic, behind: behindOf(offsets.values()) };
      }),
    );
  }

  private async newestDeadLetters(): Promise<readonly DeadLetter[]> {
    const topic = this.topicPrefix + topics.deadLetters.name;
    const ends = await topicOffsets(this.kafka, topic);
    if ([...ends.values()].every(({ low, high }) => low === high)) return [];
    const reader = await RangeReader.open(this.kafka, {
      topic,
      groupPrefix: `${this.topicPrefix}laurel-api-dead-letters-`,
    });
    try {
      const letters: DeadLetter[] = [];
      for (const [partition, { low, high }] of ends) {
        for await (const records of reader.read(partition, Math.max(low, high - NEWEST), high)) {
          // Without a value: a letter was sent again.
          for (const { value } of records) {
            const letter = value === null ? undefined : readDeadLetter(value);
            if (letter !== undefined) letters.push(letter);
          }
        }
      }
      return letters.sort((a, b) => b.rejected_at - a.rejected_at).slice(0, NEWEST);
    } finally {
      await reader.close();
    }
  }
}
