import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import {
  holderJson,
  LEAST_COHORT,
  PeopleDirectory,
  personJson,
  shownCount,
  type CountUnit,
  type HolderJson,
  type PersonJson,
} from '@laurel/policy';
import { dayKey, noFigures, totalOf, type Day } from '@laurel/usage';
import { AwardLog } from '../awards/award-log.js';
import { limitParameter, readParameters, scopeParameter, userParameter, windowParameter } from '../http/parameters.js';
import { Problem } from '../http/problem.js';
import { Startup } from '../startup.js';
import { costsJson, figuresJson, shareOf, type CostsJson, type FiguresJson } from './figures-json.js';
import { publishedGroups, type GroupFiguresJson, type OtherJson } from './groups-json.js';
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
  /** How many there are on the whole board. Nobody who is hidden is on it, or counted here. */
  readonly people: number;
  readonly entries: readonly ({
    /** Competition rank: equal values, before anything is rounded, share one. */
    readonly rank: number;
    /** The teams under which this usage was recorded, in the order of their bytes. */
    readonly teams: readonly string[];
    /** Of the metric, in decimal digits. */
    readonly value: string;
  } & PersonJson &
    FiguresJson)[];
}

export interface ModelJson extends FiguresJson, CostsJson {
  readonly provider: string;
  readonly model: string;
  /** Of the person's total tokens as shown, 0 to 1. */
  readonly share: number;
}

export interface UserJson extends PersonJson {
  readonly measures: string;
  readonly window: WindowJson;
  readonly teams: readonly string[];
  /** On the company's board of total tokens; null without usage in the window. */
  readonly rank: number | null;
  /** How many there are on that board; null likewise. */
  readonly people: number | null;
  readonly totals: FiguresJson & CostsJson;
  /** Every UTC day of the window, ascending; of all time, those from the first one with usage on. */
  readonly days: readonly ({ readonly day: string } & FiguresJson)[];
  readonly models: readonly ModelJson[];
  /** Held now. */
  readonly titles: readonly ({ readonly title_id: string; readonly scope: string } & HolderJson)[];
}

export interface ModelsJson {
  readonly measures: string;
  readonly window: WindowJson;
  readonly models: readonly ({
    readonly provider: string;
    readonly model: string;
    readonly users: number;
  } & GroupFiguresJson)[];
  /** Models that would give away somebody who is hidden or not shown exactly. */
  readonly other: OtherJson | null;
}

export interface TeamsJson {
  readonly measures: string;
  readonly window: WindowJson;
  /** A team of fewer people is in `other`. */
  readonly least_people: number;
  readonly teams: readonly ({ readonly team: string; readonly users: number } & GroupFiguresJson)[];
  /** Small teams, usage without a team, and whatever has to be with them so that nobody is given away. */
  readonly other: OtherJson | null;
}

/** No person's id: those have at least one byte. */
const NOBODY = '';

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

@Controller('v1')
export class UsageController {
  constructor(
    @Inject(UsageReads) private readonly reads: UsageReads,
    @Inject(AwardLog) private readonly awards: AwardLog,
    @Inject(PeopleDirectory) private readonly people: PeopleDirectory,
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
    this.startup.requirePeople();
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
      entries: board
        .first(limit, (userId) => !this.people.isHidden(userId))
        .flatMap(({ rank, userId, teams, value, figures }) => {
          const person = personJson(this.people, userId);
          if (person === undefined) return [];
          const shown = String(shownCount(person.figures, unitOf(metric), BigInt(value)));
          return [{ rank, ...person, teams, value: shown, ...figuresJson(figures, person.figures) }];
        }),
    };
  }

  @Get('users/:id')
  async user(@Param() path: unknown, @Query() query: unknown): Promise<UserJson> {
    const given = readParameters({ path: { id: userParameter }, query: { window: windowParameter } }, { path, query });
    this.startup.requireDatabase();
    this.startup.requireTitles();
    this.startup.requirePeople();
    const { id } = given.path;
    const { window, json } = namedWindow(given.query.window, Date.now());
    // Of a person who is hidden nobody is asked for in their place: the answer is that of an unknown one, and takes as long.
    const usage = await this.reads.user(this.people.isHidden(id) ? NOBODY : id, window);
    // Again, as somebody may hide meanwhile.
    const person = personJson(this.people, id);
    if (usage === undefined || person === undefined) throw new Problem('no_usage', `No usage of ${id} is recorded.`);
    const everyDay = Array.from({ length: window.days }, (_, index) => dayKey((window.firstDay + index) as Day));
    const days =
      given.query.window === 'all' ? everyDay.slice(everyDay.findIndex((day) => usage.days.has(day))) : everyDay;
    const tokens = (figures: Parameters<typeof totalOf>[0]): bigint =>
      shownCount(person.figures, 'tokens', totalOf(figures));
    return {
      ...person,
      measures: MEASURES,
      window: json,
      teams: usage.teams,
      rank: usage.place?.rank ?? null,
      people: usage.place?.people ?? null,
      totals: { ...figuresJson(usage.figures, person.figures), ...costsJson(usage.costs, person.figures) },
      days: days.map((day) => ({ day, ...figuresJson(usage.days.get(day) ?? noFigures, person.figures) })),
      models: usage.models.map(({ provider, model, figures, costs }) => ({
        provider,
        model,
        share: shareOf(tokens(figures), tokens(usage.figures)),
        ...figuresJson(figures, person.figures),
        ...costsJson(costs, person.figures),
      })),
      titles: this.awards.heldBy(id).map((award) => ({
        title_id: award.title_id,
        scope: award.scope,
        ...holderJson(award, this.people, person),
      })),
    };
  }

  @Get('models')
  async models(@Query() query: unknown): Promise<ModelsJson> {
    const given = readParameters({ query: { window: windowParameter } }, { query });
    this.startup.requireDatabase();
    const { window, json } = namedWindow(given.query.window, Date.now());
    const { shown, other } = publishedGroups(await this.reads.models(window), 0);
    return {
      measures: MEASURES,
      window: json,
      models: shown.map(({ group: { provider, model, users }, json: figures }) => ({
        provider,
        model,
        users,
        ...figures,
      })),
      other,
    };
  }

  @Get('teams')
  async teams(@Query() query: unknown): Promise<TeamsJson> {
    const given = readParameters({ query: { window: windowParameter } }, { query });
    this.startup.requireDatabase();
    const { window, json } = namedWindow(given.query.window, Date.now());
    const teams = await this.reads.teams(window);
    const { shown, other } = publishedGroups(
      teams.filter(({ team }) => team !== ''),
      LEAST_COHORT,
      teams.filter(({ team }) => team === ''),
    );
    return {
      measures: MEASURES,
      window: json,
      least_people: LEAST_COHORT,
      teams: shown.map(({ group: { team, users }, json: figures }) => ({ team, users, ...figures })),
      other,
    };
  }
}
