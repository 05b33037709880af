import type { UsageStored } from '@laurel/events';
import type { StreamRecord } from '@laurel/stream';
import type { Process } from './process.fixture.js';
import { Tables } from './tables.fixture.js';

/** What would break the guarantee: each is to be found by the property. */
export const mutations = [
  'commits before it stores',
  'announces before it stores',
  'keeps the row that came last',
  'writes heads before their rolls',
  'commits announcements before their heads',
  'closes an hour before its head is there',
  'names rolls by the time alone',
  'takes the head that was written last',
  'deletes headless rolls at once',
  'writes the head of a roll however old',
] as const;
/** The last two are too rare to be met by chance: scripts of their own show them. */
export type Mutation =
  | (typeof mutations)[number]
  | 'dates what a sweep saw by its beginning'
  | 'deletes what may have been a head in between';

/** A partition of `usage.events.v1` and the group's place in it. */
export interface EventsPartition {
  readonly records: StreamRecord[];
  committed: number;
  /** The offset of the next record; there may be gaps before it, as after aborted transactions. */
  end: number;
  /** Who works on it by the group's present generation. */
  owner: Process | undefined;
}

/** An announcement, and how much of the table could be seen when it was made. */
export interface Announced {
  readonly announcement: UsageStored;
  readonly storedBefore: number;
}

/** A partition of `usage.stored.v1`; days alternate between two of them. */
export interface StoredPartition {
  readonly announced: Announced[];
  committed: number;
}

export const STORED_PARTITIONS = 2;
export const storedPartitionOf = (day: number): number => day % STORED_PARTITIONS;

/** All that outlives a process: the topics, the tables and the time. */
export class World {
  readonly tables: Tables;
  readonly events: readonly EventsPartition[] = [0, 1].map(() => ({
    records: [],
    committed: 0,
    end: 0,
    owner: undefined,
  }));
  readonly stored: readonly StoredPartition[] = Array.from({ length: STORED_PARTITIONS }, () => ({
    announced: [],
    committed: 0,
  }));
  /** Codes by `partition/offset`, as a dead letter's key is. */
  readonly deadLetters = new Map<string, string>();
  private attempts = 0;

  constructor(
    /** By a clock that is right; also the one that is never set. */
    public nowMs: number,
    readonly mutation: Mutation | undefined,
    closed: Tables['closed'],
  ) {
    this.tables = new Tables(
      {
        greatestVersion: mutation !== 'keeps the row that came last',
        greatestHead: mutation !== 'takes the head that was written last',
      },
      closed,
    );
  }

  announce(announcement: UsageStored): void {
    this.stored[storedPartitionOf(announcement.day)]?.announced.push({
      announcement,
      storedBefore: this.tables.stored.length,
    });
  }

  /** Below 2^20, never twice the same, and in no order. */
  draw(): number {
    this.attempts += 1;
    return (this.attempts * 387_407) % 2 ** 20;
  }
}
