import { personJson, personSchema, shownCount, type CountUnit, type PeopleDirectory } from '@laurel/policy';
import type { WindowName } from '@laurel/usage';
import { z } from 'zod';
import { component } from '../http/components.js';
import { textOf, type ScopeParameter } from '../http/parameters.js';
import { mapped } from '../tables/tables.js';
import type { Board, BoardEntry, Place } from './board.js';
import { BoardSearch } from './board-search.js';
import { costsJson, costsSchema, figuresJson, figuresSchema, sumSchema } from './figures-json.js';
import { MEASURES, measuresSchema } from './measures.js';
import { boardMetrics, type BoardMetric } from './statements.js';
import type { UsageReads } from './usage-reads.js';
import { namedWindow, windowSchema } from './window-json.js';

export const leaderboardEntrySchema = component(
  'LeaderboardEntry',
  z.object({
    rank: z.int().min(1).describe('competition rank: equal values, before anything is rounded, share one'),
    previous_rank: z
      .int()
      .min(1)
      .nullable()
      .describe(
        'at the end of the day before (UTC), on the board of the same window as it was then; null for whoever was not on it',
      ),
    ...personSchema.shape,
    teams: z
      .array(z.string())
      .readonly()
      .describe('the teams under which this usage was recorded, in the order of their bytes'),
    value: sumSchema.describe('of the metric, in decimal digits'),
    ...figuresSchema.shape,
    ...costsSchema.shape,
  }),
);
export type LeaderboardEntryJson = Readonly<z.output<typeof leaderboardEntrySchema>>;

export const standingsSchema = component(
  'Standings',
  z.object({
    metric: z.enum(boardMetrics),
    measures: measuresSchema,
    window: component('Window', windowSchema),
    scope: z.string().describe('company, or team:<team>'),
    people: z.int().describe('how many there are on the whole board. Nobody who is hidden is on it, or counted here'),
    entries: z.array(leaderboardEntrySchema).readonly(),
  }),
);
export type StandingsJson = Readonly<z.output<typeof standingsSchema>>;

export interface BoardQuery {
  readonly metric: BoardMetric;
  readonly window: WindowName;
  /** When the window ends: with this instant's UTC day. */
  readonly atMs: number;
  readonly scope: ScopeParameter;
}

const unitOf = (metric: BoardMetric): CountUnit => {
  switch (metric) {
    case 'events':
      return 'events';
    case 'cost_micro_usd':
    case 'list_cost_micro_usd':
      return 'micro_usd';
    default:
      return 'tokens';
  }
};

/** Which entries of a board. */
export interface EntriesQuery {
  /** Only those behind this place. */
  readonly after?: Place | undefined;
  /** So many of them are left out. */
  readonly offset?: number | undefined;
  /** Only whom a search for this finds. */
  readonly q?: string | undefined;
}

/** Boards as they may be shown: everybody as they choose at this moment. */
export class Leaderboards {
  private readonly search: BoardSearch;

  constructor(
    private readonly reads: UsageReads,
    private readonly people: PeopleDirectory,
  ) {
    this.search = new BoardSearch(people);
  }

  /** What anything that is shown of a board rests on. */
  async basis(query: BoardQuery): Promise<readonly unknown[]> {
    const { board } = await this.read(query);
    return [board, this.people.revision];
  }

  /** @returns with the place where the next page begins, if there is one. */
  async page(
    query: BoardQuery,
    limit: number,
    { after, offset, q }: EntriesQuery = {},
  ): Promise<{ readonly standings: StandingsJson; readonly last: Place | undefined }> {
    const { metric, scope } = query;
    const { board, json } = await this.read(query);
    const { entries, last } = board.page(limit, await this.asked(board, q), after, offset);
    return {
      standings: {
        metric,
        measures: MEASURES,
        window: json,
        scope: textOf(scope),
        people: board.people,
        entries: [...mapped(entries, (entry) => this.entry(metric, entry))],
      },
      last,
    };
  }

  /** Whom the same page has, in its order. */
  async userIds(query: BoardQuery, limit: number, { after, offset, q }: EntriesQuery = {}): Promise<readonly string[]> {
    const { board } = await this.read(query);
    return board.page(limit, await this.asked(board, q), after, offset).entries.map(({ userId }) => userId);
  }

  /** Everybody on it, each shown when they are asked for. */
  async rows(
    query: BoardQuery,
    limit?: number,
    { after, offset, q }: EntriesQuery = {},
  ): Promise<Iterable<LeaderboardEntryJson>> {
    const { board } = await this.read(query);
    const entries = board.all(await this.asked(board, q), after, offset);
    return mapped(entries, (entry) => this.entry(query.metric, entry), limit);
  }

  /** One person's own entry; null for whoever is not on it, or hidden. */
  async own(query: BoardQuery, userId: string): Promise<LeaderboardEntryJson | null> {
    const { board } = await this.read(query);
    const entry = board.entryOf(userId);
    return entry === undefined ? null : (this.entry(query.metric, entry) ?? null);
  }

  private async asked(board: Board, q: string | undefined): Promise<(userId: string) => boolean> {
    return q === undefined ? this.isShown : this.search.matcher(board, q);
  }

  private readonly isShown = (userId: string): boolean => !this.people.isHidden(userId);

  private async read({ metric, window: name, atMs, scope }: BoardQuery): Promise<{
    readonly board: Board;
    readonly json: StandingsJson['window'];
  }> {
    const { json, window, previous } = namedWindow(name, atMs);
    return { board: await this.reads.board(metric, { window, previous }, scope), json };
  }

  /** Undefined when the person is not to be seen at all. */
  private entry(metric: BoardMetric, entry: BoardEntry): LeaderboardEntryJson | undefined {
    const { rank, previousRank, userId, teams, value, figures, costs } = entry;
    const person = personJson(this.people, userId);
    if (person === undefined) return undefined;
    const shown = String(shownCount(person.figures, unitOf(metric), BigInt(value)));
    return {
      rank,
      previous_rank: previousRank,
      ...person,
      teams,
      value: shown,
      ...figuresJson(figures, person.figures),
      ...costsJson(costs, person.figures),
    };
  }
}
