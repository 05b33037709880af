import { tokenFields, type TokenCounts } from '@laurel/events';
import { compareUtf8 } from '@laurel/titles';
import type { CostFigures, Figures } from '@laurel/usage';
import { RowReader } from './row-reader.js';

/** The columns of a board's rows, in this order; the numbers are UInt64, but for the two costs, which are Decimal(38, 12). */
export const boardColumns = [
  'user_id',
  'teams',
  'place',
  'previous_place',
  'value',
  'events',
  'cost_micro_usd',
  ...tokenFields.map((field) => `${field}_tokens` as const),
  'unpriced_events',
  'list_cost_usd',
  'cache_saving_usd',
] as const;
const COSTS = 2;
const NUMBER_BYTES = (boardColumns.length - 2 - COSTS) * 8 + COSTS * 16;

export interface BoardEntry {
  readonly rank: number;
  /** At the end of the day before, in the window as it was then; null for whoever was not on that board. */
  readonly previousRank: number | null;
  readonly userId: string;
  readonly teams: readonly string[];
  readonly value: string;
  readonly figures: Figures;
  readonly costs: CostFigures;
}

/** Where somebody stands on a board, whoever else comes and goes. */
export type Place = Pick<BoardEntry, 'value' | 'userId'>;

export interface BoardPage {
  readonly entries: readonly BoardEntry[];
  /** Behind which the next page begins; undefined when nobody follows. */
  readonly last: Place | undefined;
}

/**
 * Everybody's place by one metric, best first, as ClickHouse sent it: some 180 bytes a person. Only what is asked for becomes an
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

  /**
   * The first so many of those who may be shown: somebody may have hidden since the board was read.
   *
   * @param after only those behind this place, wherever whoever stood there is now.
   * @param offset how many of them to leave out.
   */
  page(limit: number, isShown: (userId: string) => boolean, after?: Place, offset = 0): BoardPage {
    const entries: BoardEntry[] = [];
    for (const entry of this.all(isShown, after, offset)) {
      // One more than asked for tells that there are more.
      if (entries.length === limit) return { entries, last: placeOf(entries.at(-1)) };
      entries.push(entry);
    }
    return { entries, last: undefined };
  }

  /** Likewise everybody, each made when it is asked for. */
  *all(isShown: (userId: string) => boolean, after?: Place, offset = 0): Generator<BoardEntry> {
    let left = offset;
    for (let index = after === undefined ? 0 : this.indexBehind(after); index < this.starts.length; index += 1) {
      const start = this.starts[index] ?? 0;
      if (!isShown(this.userAt(start))) continue;
      if (left > 0) left -= 1;
      else yield this.entryAt(start);
    }
  }

  /** Everybody on it, best first. */
  *userIds(): Generator<string> {
    for (const start of this.starts) yield this.userAt(start);
  }

  /** Undefined when the person isn't on it. */
  entryOf(userId: string): BoardEntry | undefined {
    this.starting ??= new Map(this.starts.map((start) => [this.userAt(start), start]));
    const start = this.starting.get(userId);
    return start === undefined ? undefined : this.entryAt(start);
  }

  /** Of the first row that comes behind a place. */
  private indexBehind(place: Place): number {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBehind(this.entryAt(this.starts[middle] ?? 0), place)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private userAt(start: number): string {
    return new RowReader(this.rows, start).text();
  }

  private entryAt(start: number): BoardEntry {
    const reader = new RowReader(this.rows, start);
    const [userId, teams] = [reader.text(), reader.texts()];
    const [rank, previousRank, value] = [reader.uint64(), reader.uint64(), reader.uint64()];
    const [events, costMicroUsd] = [reader.uint64(), reader.uint64()];
    const tokens = Object.fromEntries(tokenFields.map((field) => [field, reader.uint64()]));
    const unpricedEvents = reader.uint64();
    const [listCost, cacheSaving] = [reader.int128(), reader.int128()];
    return {
      rank: Number(rank),
      previousRank: previousRank === 0n ? null : Number(previousRank),
      userId,
      teams,
      value: String(value),
      figures: { events: Number(events), costMicroUsd, tokens: tokens as Record<keyof TokenCounts, bigint> },
      costs: { listCost, cacheSaving, unpricedEvents: Number(unpricedEvents) },
    };
  }
}

/** The greater value comes first, of equal ones the smaller user id by its bytes. */
function isBehind(entry: Place, place: Place): boolean {
  const [own, other] = [BigInt(entry.value), BigInt(place.value)];
  return own < other || (own === other && compareUtf8(entry.userId, place.userId) > 0);
}

const placeOf = (entry: BoardEntry | undefined): Place | undefined =>
  entry === undefined ? undefined : { value: entry.value, userId: entry.userId };
