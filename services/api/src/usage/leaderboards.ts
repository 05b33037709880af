import { personJson, personSchema, shownCount, type CountUnit, type PeopleDirectory } from '@laurel/policy';
import type { WindowName } from '@laurel/usage';
import { z } from 'zod';
import { component } from '../http/components.js';
import { textOf, type ScopeParameter } from '../http/parameters.js';
import { mapped } from '../http/tables.js';
import type { Board, BoardEntry, Place } from './board.js';
import { figuresJson, figuresSchema } from './figures-json.js';
import { MEASURES, measuresSchema } from './measures.js';
import { boardMetrics, type BoardMetric } from './statements.js';
import type { UsageReads } from './usage-reads.js';
import { namedWindow, windowSchema } from './window-json.js';

export const leaderboardEntrySchema = component(
  'LeaderboardEntry',
  z.object({
    rank: z.int().min(1).describe('competition rank: equal values, before anything is rounded, share one'),
    ...personSchema.shape,
    teams: z
      .array(z.string())
      .readonly()
      .describe('the teams under which this usage was recorded, in the order of their bytes'),
    value: z.string().describe('of the metric, in decimal digits'),
    ...figuresSchema.shape,
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
      return 'micro_usd';
    default:
      return 'tokens';
  }
};

/** Boards as they may be shown: everybody as they choose at this moment. */
export class Leaderboards {
  constructor(
    private readonly reads: UsageReads,
    private readonly people: PeopleDirectory,
  ) {}

  /**
   * @param after only those behind this place.
   * @returns with the place where the next page begins, if there is one.
   */
  async page(
    query: BoardQuery,
    limit: number,
    after?: Place,
  ): Promise<{ readonly standings: StandingsJson; readonly last: Place | undefined }> {
    const { metric, scope } = query;
    const { board, json } = await this.read(query);
    const { entries, last } = board.page(limit, this.isShown, after);
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

  /** Everybody on it, each shown when they are asked for. */
  async rows(query: BoardQuery, limit?: number, after?: Place): Promise<Iterable<LeaderboardEntryJson>> {
    const { board } = await this.read(query);
    return mapped(board.all(this.isShown, after), (entry) => this.entry(query.metric, entry), limit);
  }

  private readonly isShown = (userId: string): boolean => !this.people.isHidden(userId);

  private async read({ metric, window: name, atMs, scope }: BoardQuery): Promise<{
    readonly board: Board;
    readonly json: StandingsJson['window'];
  }> {
    const { window, json } = namedWindow(name, atMs);
    return { board: await this.reads.board(metric, window, scope), json };
  }

  /** Undefined when the person is not to be seen at all. */
  private entry(metric: BoardMetric, entry: BoardEntry): LeaderboardEntryJson | undefined {
    const { rank, userId, teams, value, figures } = entry;
    const person = personJson(this.people, userId);
    if (person === undefined) return undefined;
    const shown = String(shownCount(person.figures, unitOf(metric), BigInt(value)));
    return { rank, ...person, teams, value: shown, ...figuresJson(figures, person.figures) };
  }
}
