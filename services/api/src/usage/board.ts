import { tokenFields, type TokenCounts } from '@laurel/events';
import type { Figures } from '@laurel/usage';
import { RowReader } from './row-reader.js';

/** The columns of a board's rows, in this order; the numbers are UInt64. */
export const boardColumns = [
  'user_id',
  'teams',
  'place',
  'value',
  'events',
  'cost_micro_usd',
  ...tokenFields.map((field) => `${field}_tokens` as const),
] as const;
const NUMBER_BYTES = (boardColumns.length - 2) * 8;

export interface BoardEntry {
  readonly rank: number;
  readonly userId: string;
  readonly teams: readonly string[];
  readonly value: string;
  readonly figures: Figures;
}

/**
 * Everybody's place by one metric, best first, as ClickHouse sent it: some 130 bytes a person. Only what is asked for becomes an
 * object, as 85,000 of them would take a multiple of that, and would hold up everything else while they are made.
 */
export class Board {
  private readonly starts: readonly number[];
  private starting: ReadonlyMap<string, number> | undefined;

  /** @param rows of `boardColumns`, in FORMAT RowBinary. */
  constructor(private readonly rows: Buffer) {
    const starts: number[] = [];
    const reader = new RowReader(rows);
    while (!reader.isAtEnd) {
      starts.push(reader.at);
      reader.skipText();
      reader.skipTexts();
      reader.skip(NUMBER_BYTES);
    }
    this.starts = starts;
  }

  /** How many people are on it. */
  get people(): number {
    return this.starts.length;
  }

  /** The first so many of those who may be shown: somebody may have hidden since the board was read. */
  first(limit: number, isShown: (userId: string) => boolean): readonly BoardEntry[] {
    const entries: BoardEntry[] = [];
    for (const start of this.starts) {
      if (entries.length === limit) break;
      const entry = this.entryAt(start);
      if (isShown(entry.userId)) entries.push(entry);
    }
    return entries;
  }

  /** Undefined when the person isn't on it. */
  entryOf(userId: string): BoardEntry | undefined {
    this.starting ??= new Map(this.starts.map((start) => [new RowReader(this.rows, start).text(), start]));
    const start = this.starting.get(userId);
    return start === undefined ? undefined : this.entryAt(start);
  }

  private entryAt(start: number): BoardEntry {
    const reader = new RowReader(this.rows, start);
    const [userId, teams] = [reader.text(), reader.texts()];
    const [rank, value, events, costMicroUsd] = [reader.uint64(), reader.uint64(), reader.uint64(), reader.uint64()];
    const tokens = Object.fromEntries(tokenFields.map((field) => [field, reader.uint64()]));
    return {
      rank: Number(rank),
      userId,
      teams,
      value: String(value),
      figures: { events: Number(events), costMicroUsd, tokens: tokens as Record<keyof TokenCounts, bigint> },
    };
  }
}
