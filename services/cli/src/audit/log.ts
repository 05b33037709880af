import { storedOutcome, storedUsage, type ClickHouseClient, type EventTable } from '@laurel/clickhouse';
import {
  outcomeRecorded,
  outcomeVersionOf,
  topics,
  usageLimits,
  usageRecorded,
  versionOf,
  type AvroCodec,
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

export const usageLog = (...world: LogWorld<UsageEvent>): AuditedLog =>
  auditedLog(
    { declared: 'usageEvents', table: 'usage_events', version: versionOf, stored: storedUsage, codec: usageRecorded },
    ...world,
  );

export const outcomeLog = (...world: LogWorld<OutcomeEvent>): AuditedLog =>
  auditedLog(
    {
      declared: 'usageOutcomes',
      table: 'outcome_events',
      version: outcomeVersionOf,
      stored: storedOutcome,
      codec: outcomeRecorded,
    },
    ...world,
  );

type LogWorld<Event> = readonly [
  clickhouse: ClickHouseClient,
  topicPrefix: string,
  ports: IngestPorts<Event>,
  reader: () => Promise<RangeReader>,
];

/** What usage and outcomes differ in. */
interface Kind<Event, Recorded> extends Pick<AuditedLog, 'declared' | 'table'> {
  readonly version: (event: Event) => bigint;
  readonly stored: (clickhouse: ClickHouseClient, identity: Identity) => Promise<Recorded | undefined>;
  readonly codec: AvroCodec<Recorded>;
}

function auditedLog<Event extends Identity, Recorded>(
  { declared, table, version, stored, codec }: Kind<Event, Recorded>,
  ...[clickhouse, topicPrefix, ports, reader]: LogWorld<Event>
): AuditedLog {
  return {
    declared,
    topic: topicPrefix + topics[declared].name,
    table,
    ports,
    reader,
    decode: async (record, signal) => logged(await ports.records.decode(record, signal), version),
    retraction: async (identity, revision) => {
      const event = await stored(clickhouse, identity);
      if (event === undefined || revision >= usageLimits.maxRevision) return undefined;
      return codec.encode({ ...event, revision: revision + 1, retracted: true });
    },
  };
}

const logged = <E extends Identity>(checked: Checked<E>, version: (event: E) => bigint): Checked<LoggedEvent> =>
  checked.ok ? { ok: true, value: { identity: checked.value, version: version(checked.value) } } : checked;
