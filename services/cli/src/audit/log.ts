import { storedOutcome, storedUsage, type ClickHouseClient, type EventTable } from '@laurel/clickhouse';
import {
  outcomeRecorded,
  outcomeVersionOf,
  topics,
  usageLimits,
  usageRecorded,
  versionOf,
  type Checked,
  type Identity,
  type OutcomeEvent,
  type UsageEvent,
} from '@laurel/events';
import type { IngestPorts } from '@laurel/ingest';
import type { RangeReader } from '@laurel/kafka';
import type { StreamRecord } from '@laurel/stream';

/** What the audit needs to know of a valid record. */
export interface LoggedEvent {
  readonly identity: Identity;
  readonly version: bigint;
}

/** A topic that publishers write to, with the table that its records go to. */
export interface AuditedLog {
  /** As declared. */
  readonly declared: 'usageEvents' | 'usageOutcomes';
  /** On the broker. */
  readonly topic: string;
  readonly table: EventTable;
  /** As usage-ingest takes its records in. */
  readonly ports: IngestPorts<unknown>;
  decode(record: StreamRecord, signal: AbortSignal): Promise<Checked<LoggedEvent>>;
  /** The record that retracts a stored event by a higher revision; undefined when it is not there, or no revision is higher. */
  retraction(identity: Identity, revision: number): Promise<Buffer | undefined>;
  /** Opened when it is first needed. */
  reader(): Promise<RangeReader>;
}

export function usageLog(
  clickhouse: ClickHouseClient,
  topicPrefix: string,
  ports: IngestPorts<UsageEvent>,
  reader: () => Promise<RangeReader>,
): AuditedLog {
  return {
    declared: 'usageEvents',
    topic: topicPrefix + topics.usageEvents.name,
    table: 'usage_events',
    ports,
    reader,
    decode: async (record, signal) => logged(await ports.records.decode(record, signal), versionOf),
    retraction: async (identity, revision) => {
      const event = await storedUsage(clickhouse, identity);
      if (event === undefined || revision >= usageLimits.maxRevision) return undefined;
      return usageRecorded.encode({ ...event, revision: revision + 1, retracted: true });
    },
  };
}

export function outcomeLog(
  clickhouse: ClickHouseClient,
  topicPrefix: string,
  ports: IngestPorts<OutcomeEvent>,
  reader: () => Promise<RangeReader>,
): AuditedLog {
  return {
    declared: 'usageOutcomes',
    topic: topicPrefix + topics.usageOutcomes.name,
    table: 'outcome_events',
    ports,
    reader,
    decode: async (record, signal) => logged(await ports.records.decode(record, signal), outcomeVersionOf),
    retraction: async (identity, revision) => {
      const event = await storedOutcome(clickhouse, identity);
      if (event === undefined || revision >= usageLimits.maxRevision) return undefined;
      return outcomeRecorded.encode({ ...event, revision: revision + 1, retracted: true });
    },
  };
}

const logged = <E extends Identity>(checked: Checked<E>, version: (event: E) => bigint): Checked<LoggedEvent> =>
  checked.ok ? { ok: true, value: { identity: checked.value, version: version(checked.value) } } : checked;
