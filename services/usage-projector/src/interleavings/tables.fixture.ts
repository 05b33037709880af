import { identityOf, versionOf, type UsageEvent } from '@laurel/events';
import type { LedgerEntry } from '@laurel/stream';
import { dayOf, dayOfHour, hourOf, hourOfMinute, minuteOf, type Hour, type Minute } from '@laurel/usage';
import type { ClosedBefore } from '../pending-rolls.js';

export type Grain = 'minute' | 'hour' | 'day' | 'outcome_day';

/** The tables that one roll of a grain fills, one statement each. */
export const ROLLED = {
  minute: ['usage_by_minute'],
  hour: ['usage_by_hour', 'session_minutes'],
  day: ['usage_by_day_user', 'usage_by_day_model', 'attendance_by_day'],
  outcome_day: ['outcomes_by_day'],
} as const satisfies Record<Grain, readonly string[]>;
export type RolledTable = (typeof ROLLED)[Grain][number];

/**
 * Which tables a view reads closed hours and closed days from; those without `day` read no days. Each event of this model
 * stands for an outcome as well, so that one log shows both: of outcomes whole days are read, closed or not.
 */
export const VIEWS = {
  usage: { hour: 'usage_by_hour' },
  session_activity: { hour: 'session_minutes', day: 'attendance_by_day' },
  usage_by_day: { hour: 'usage_by_hour', day: 'usage_by_day_user' },
  model_usage_by_day: { hour: 'usage_by_hour', day: 'usage_by_day_model' },
  attendance: { hour: 'usage_by_hour', day: 'attendance_by_day' },
  outcomes: { outcome_day: 'outcomes_by_day' },
} as const satisfies Record<string, Partial<Record<Grain, RolledTable>>>;
export type View = keyof typeof VIEWS;

export interface Row {
  readonly identity: string;
  readonly version: bigint;
  readonly event: UsageEvent;
}

export const bucketOf: Readonly<Record<Grain, (row: Row) => number>> = {
  minute: ({ event }) => minuteOf(event.occurred_at),
  hour: ({ event }) => hourOf(event.occurred_at),
  day: ({ event }) => dayOf(event.occurred_at),
  outcome_day: ({ event }) => dayOf(event.occurred_at),
};

/** In place of a roll's sums stand the rows that they are sums of, so that it shows which one is missing or there twice. */
type Roll = readonly Row[];
/** `table bucket roll_id` */
export type RollName = `${RolledTable} ${number} ${bigint}`;

export interface TableRules {
  /** Which of two versions the table keeps, and which of two heads readers take: the greater, or else the later. */
  readonly greatestVersion: boolean;
  readonly greatestHead: boolean;
}

/** ClickHouse, as far as the guarantee rests on it. What a method does, it does at once and for every reader. */
export class Tables {
  /** Every row that was ever stored, in the order in which they became visible. */
  readonly stored: Row[] = [];
  readonly ledger: LedgerEntry[] = [];
  readonly erased = new Set<string>();
  closed: ClosedBefore;
  /** Counts the changes of what readers can see. */
  changes = 0;
  private readonly log = new Map<string, Row>();
  private readonly rolls = new Map<RolledTable, Map<number, Map<bigint, Roll>>>();
  private readonly heads: Readonly<Record<Grain, Map<number, bigint>>> = {
    minute: new Map(),
    hour: new Map(),
    day: new Map(),
    outcome_day: new Map(),
  };

  constructor(
    private readonly rules: TableRules,
    closed: ClosedBefore,
  ) {
    this.closed = closed;
  }

  store(events: readonly UsageEvent[]): void {
    for (const event of events) {
      const row = { identity: identityOf(event), version: versionOf(event), event };
      this.stored.push(row);
      const known = this.log.get(row.identity);
      if (known === undefined || !this.rules.greatestVersion || row.version > known.version)
        this.log.set(row.identity, row);
    }
  }

  /** `usage_events FINAL` of whole buckets, as a roll selects from it. */
  select(grain: Grain, buckets: readonly number[]): Roll {
    return [...this.log.values()].filter(
      (row) => buckets.includes(bucketOf[grain](row)) && !row.event.retracted && !this.erased.has(row.event.user_id),
    );
  }

  /** The rows of closed hours, as a day's roll selects them: through the heads, whatever was erased. */
  selectHours(day: number): Roll {
    return [...this.heads.hour].flatMap(([hour, head]) =>
      dayOfHour(hour as Hour) === day ? (this.rollOf('usage_by_hour', hour, head) ?? []) : [],
    );
  }

  insertRoll(table: RolledTable, grain: Grain, buckets: readonly number[], rollId: bigint, rows: Roll): void {
    const of = this.rolls.get(table) ?? new Map<number, Map<bigint, Roll>>();
    this.rolls.set(table, of);
    for (const bucket of buckets) {
      const rolls = of.get(bucket) ?? new Map<bigint, Roll>();
      of.set(bucket, rolls);
      const own = rows.filter((row) => bucketOf[grain](row) === bucket);
      rolls.set(rollId, [...(rolls.get(rollId) ?? []), ...own]);
    }
    this.changes += 1;
  }

  writeHeads(grain: Grain, buckets: readonly number[], rollId: bigint): void {
    const heads = this.heads[grain];
    for (const bucket of buckets) {
      const known = heads.get(bucket);
      if (known === undefined || !this.rules.greatestHead || rollId > known) heads.set(bucket, rollId);
    }
    this.changes += 1;
  }

  close(grain: 'hour' | 'day', closedBefore: number): void {
    this.closed = { ...this.closed, [grain]: Math.max(this.closed[grain], closedBefore) };
    this.changes += 1;
  }

  headsOf(grain: Grain): ReadonlyMap<number, bigint> {
    return new Map(this.heads[grain]);
  }

  /** Undefined when there is no such roll. One without rows is none in ClickHouse; here it shows that it was complete. */
  rollOf(table: RolledTable, bucket: number, rollId: bigint): Roll | undefined {
    return this.rolls.get(table)?.get(bucket)?.get(rollId);
  }

  /** Whether each may have been a head before, or never was: a greater roll is the head, or none is. */
  headless(): ReadonlyMap<RollName, 'below' | 'beyond'> {
    const found = new Map<RollName, 'below' | 'beyond'>();
    for (const [grain, tables] of Object.entries(ROLLED) as [Grain, readonly RolledTable[]][]) {
      for (const table of tables) {
        for (const [bucket, rolls] of this.rolls.get(table) ?? []) {
          for (const roll of rolls.keys()) {
            const head = this.heads[grain].get(bucket) ?? 0n;
            if (roll !== head) found.set(`${table} ${bucket} ${roll}`, roll < head ? 'below' : 'beyond');
          }
        }
      }
    }
    return found;
  }

  /** That none of them is a head is asked again, in the statement itself. */
  deleteRolls(names: ReadonlySet<RollName>): void {
    for (const name of this.headless().keys()) {
      if (!names.has(name)) continue;
      const [table, bucket, roll] = name.split(' ') as [RolledTable, string, string];
      this.rolls.get(table)?.get(Number(bucket))?.delete(BigInt(roll));
    }
    this.changes += 1;
  }

  dropMinutesBefore(hour: number): void {
    for (const kept of [this.rolls.get('usage_by_minute'), this.heads.minute]) {
      for (const minute of kept?.keys() ?? []) if (hourOfMinute(minute as Minute) < hour) kept?.delete(minute);
    }
    this.changes += 1;
  }

  /** Deletes every row of erased people, from the log and from every roll. */
  deleteErased(): void {
    const isLeft = ({ event }: Row): boolean => !this.erased.has(event.user_id);
    for (const [identity, row] of this.log) if (!isLeft(row)) this.log.delete(identity);
    for (const buckets of this.rolls.values()) {
      for (const rolls of buckets.values()) for (const [id, roll] of rolls) rolls.set(id, roll.filter(isLeft));
    }
    this.changes += 1;
  }

  /** Everything of a person in the log and the rolls. */
  rowsOf(userId: string): readonly Row[] {
    const rolled = [...this.rolls.values()].flatMap((buckets) =>
      [...buckets.values()].flatMap((rolls) => [...rolls.values()].flat()),
    );
    return [...this.log.values(), ...rolled].filter(({ event }) => event.user_id === userId);
  }
}

/** Which buckets of a grain a view reads, by the boundaries that it has read. */
export function isReadFrom(view: View, grain: Grain, bucket: number, closed: ClosedBefore): boolean {
  const readsDays = 'day' in VIEWS[view];
  switch (grain) {
    case 'outcome_day':
      return true;
    case 'day':
      return readsDays && bucket < closed.day;
    case 'hour':
      return bucket < closed.hour && !(readsDays && dayOfHour(bucket as Hour) < closed.day);
    case 'minute':
      return hourOfMinute(bucket as Minute) >= closed.hour;
    default:
      return grain satisfies never;
  }
}

/** The table that a view reads a grain from; undefined when it reads no such grain. */
export function tableOf(view: View, grain: Grain): RolledTable | undefined {
  const tables: Partial<Record<Grain, RolledTable>> = VIEWS[view];
  return grain === 'minute' && view !== 'outcomes' ? 'usage_by_minute' : tables[grain];
}
