import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { generatedHandle, holderJson, type HolderJson } from '@laurel/titles';
import { dayKey, noFigures, totalOf, type Day, type Figures } from '@laurel/usage';
import { AwardLog } from '../awards/award-log.js';
import { limitParameter, readParameters, scopeParameter, userParameter, windowParameter } from '../http/parameters.js';
import { Problem } from '../http/problem.js';
import { Startup } from '../startup.js';
import { figuresJson, type FiguresJson } from './figures-json.js';
import { boardMetrics, type BoardMetric } from './statements.js';
import { UsageReads } from './usage-reads.js';
import { namedWindow, type WindowJson } from './window-json.js';

/** Said with every ranking: what these figures are, and are not. */
export const MEASURES =
  'These figures are token volume, as publishers reported it; they say nothing about productivity or the worth of anybody’s work.';

export interface LeaderboardJson {
  readonly metric: BoardMetric;
  readonly measures: string;
  readonly window: WindowJson;
  /** company, or team:<team>. */
  readonly scope: string;
  /** How many there are on the whole board. */
  readonly people: number;
  readonly entries: readonly ({
    /** Competition rank: equal values share one. */
    readonly rank: number;
    readonly user_id: string;
    readonly handle: string;
    /** The teams under which this usage was recorded, in the order of their bytes. */
    readonly teams: readonly string[];
    /** Of the metric, in decimal digits. */
    readonly value: string;
  } & FiguresJson)[];
}

export interface ModelJson extends FiguresJson {
  readonly provider: string;
  readonly model: string;
  /** Of the total tokens of all models listed, 0 to 1. */
  readonly share: number;
}

export interface UserJson {
  readonly user_id: string;
  readonly handle: string;
  readonly measures: string;
  readonly window: WindowJson;
  readonly teams: readonly string[];
  /** On the company's board of total tokens; null without usage in the window. */
  readonly rank: number | null;
  /** How many there are on that board; null likewise. */
  readonly people: number | null;
  readonly totals: FiguresJson;
  /** Every UTC day of the window, ascending; of all time, those from the first one with usage on. */
  readonly days: readonly ({ readonly day: string } & FiguresJson)[];
  readonly models: readonly ModelJson[];
  /** Held now. */
  readonly titles: readonly ({ readonly title_id: string; readonly scope: string } & HolderJson)[];
}

export interface ModelsJson {
  readonly measures: string;
  readonly window: WindowJson;
  readonly models: readonly ({ readonly users: number } & ModelJson)[];
}

@Controller('v1')
export class UsageController {
  constructor(
    @Inject(UsageReads) private readonly reads: UsageReads,
    @Inject(AwardLog) private readonly awards: AwardLog,
    @Inject(Startup) private readonly startup: Startup,
  ) {}

  @Get('leaderboards/:metric')
  async leaderboard(@Param() path: unknown, @Query() query: unknown): Promise<LeaderboardJson> {
    const given = readParameters(
      {
        path: { metric: z.enum(boardMetrics, { error: `is not one of ${boardMetrics.join(', ')}` }) },
        query: { window: windowParameter, scope: scopeParameter, limit: limitParameter(100, 1000) },
      },
      { path, query },
    );
    this.startup.requireDatabase();
    const { metric } = given.path;
    const { scope, limit } = given.query;
    const { window, json } = namedWindow(given.query.window, Date.now());
    const board = await this.reads.board(metric, window, scope);
    return {
      metric,
      measures: MEASURES,
      window: json,
      scope: scope.kind === 'company' ? 'company' : `team:${scope.team}`,
      people: board.people,
      entries: board.first(limit).map(({ rank, userId, teams, value, figures }) => ({
        rank,
        user_id: userId,
        handle: generatedHandle(userId),
        teams,
        value,
        ...figuresJson(figures),
      })),
    };
  }

  @Get('users/:id')
  async user(@Param() path: unknown, @Query() query: unknown): Promise<UserJson> {
    const given = readParameters({ path: { id: userParameter }, query: { window: windowParameter } }, { path, query });
    this.startup.requireDatabase();
    this.startup.requireTitles();
    const { id } = given.path;
    const { window, json } = namedWindow(given.query.window, Date.now());
    const usage = await this.reads.user(id, window);
    if (usage === undefined) throw new Problem('no_usage', `No usage of ${id} is recorded.`);
    const everyDay = Array.from({ length: window.days }, (_, index) => dayKey((window.firstDay + index) as Day));
    const days =
      given.query.window === 'all' ? everyDay.slice(everyDay.findIndex((day) => usage.days.has(day))) : everyDay;
    return {
      user_id: id,
      handle: generatedHandle(id),
      measures: MEASURES,
      window: json,
      teams: usage.teams,
      rank: usage.place?.rank ?? null,
      people: usage.place?.people ?? null,
      totals: figuresJson(usage.figures),
      days: days.map((day) => ({ day, ...figuresJson(usage.days.get(day) ?? noFigures) })),
      models: usage.models.map(({ provider, model, figures }) => ({
        provider,
        model,
        share: shareOf(figures, totalOf(usage.figures)),
        ...figuresJson(figures),
      })),
      titles: this.awards.heldBy(id).map((award) => ({
        title_id: award.title_id,
        scope: award.scope,
        ...holderJson(award),
      })),
    };
  }

  @Get('models')
  async models(@Query() query: unknown): Promise<ModelsJson> {
    const given = readParameters({ query: { window: windowParameter } }, { query });
    this.startup.requireDatabase();
    const { window, json } = namedWindow(given.query.window, Date.now());
    const models = await this.reads.models(window);
    const all = models.reduce((sum, { figures }) => sum + totalOf(figures), 0n);
    return {
      measures: MEASURES,
      window: json,
      models: models.map(({ provider, model, users, figures }) => ({
        provider,
        model,
        users,
        share: shareOf(figures, all),
        ...figuresJson(figures),
      })),
    };
  }
}

const shareOf = (figures: Figures, total: bigint): number =>
  total === 0n ? 0 : Number(totalOf(figures)) / Number(total);
