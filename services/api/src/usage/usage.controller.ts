import { Controller, Inject, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import {
  holderJson,
  holderSchema,
  LEAST_COHORT,
  PeopleDirectory,
  personJson,
  personSchema,
  shownCount,
  type CountUnit,
} from '@laurel/policy';
import { dayKey, noFigures, totalOf, type Day } from '@laurel/usage';
import { AwardLog } from '../awards/award-log.js';
import { component } from '../http/components.js';
import { Endpoint, JSON_TYPE, Serves } from '../http/endpoint.js';
import { limitParameter, scopeParameter, textOf, userParameter, windowParameter } from '../http/parameters.js';
import { Problem } from '../http/problem.js';
import { Startup } from '../startup.js';
import { costsJson, costsSchema, figuresJson, figuresSchema, shareOf } from './figures-json.js';
import { groupFiguresSchema, otherSchema, publishedGroups } from './groups-json.js';
import { boardMetrics, type BoardMetric } from './statements.js';
import { UsageReads } from './usage-reads.js';
import { namedWindow, windowSchema } from './window-json.js';

/** Said with every ranking: what these figures are, and are not. */
export const MEASURES =
  'These figures are token volume, as publishers reported it; they say nothing about productivity or the worth of anybody’s work.';

const shared = {
  measures: z.string().describe('what these figures are, and are not'),
  window: component('Window', windowSchema),
};

export const leaderboardSchema = component(
  'Leaderboard',
  z.object({
    metric: z.enum(boardMetrics),
    ...shared,
    scope: z.string().describe('company, or team:<team>'),
    people: z.int().describe('how many there are on the whole board. Nobody who is hidden is on it, or counted here'),
    entries: z
      .array(
        component(
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
        ),
      )
      .readonly(),
  }),
);
export type LeaderboardJson = Readonly<z.output<typeof leaderboardSchema>>;

export const modelSchema = z.object({
  provider: z.string(),
  model: z.string(),
  share: z.number().min(0).max(1).describe('of the person’s total tokens as shown'),
  ...figuresSchema.shape,
  ...costsSchema.shape,
});
export type ModelJson = Readonly<z.output<typeof modelSchema>>;

export const userSchema = component(
  'User',
  z.object({
    ...personSchema.shape,
    ...shared,
    teams: z.array(z.string()).readonly(),
    rank: z.int().nullable().describe('on the company’s board of total tokens; null without usage in the window'),
    people: z.int().nullable().describe('how many there are on that board; null likewise'),
    totals: z.object({ ...figuresSchema.shape, ...costsSchema.shape }),
    days: z
      .array(z.object({ day: z.iso.date(), ...figuresSchema.shape }))
      .readonly()
      .describe('every UTC day of the window, ascending; of all time, those from the first one with usage on'),
    models: z.array(modelSchema).readonly(),
    titles: z
      .array(z.object({ title_id: z.string(), scope: z.string(), ...holderSchema.shape }))
      .readonly()
      .describe('held now'),
  }),
);
export type UserJson = Readonly<z.output<typeof userSchema>>;

export const modelsSchema = component(
  'Models',
  z.object({
    ...shared,
    models: z
      .array(z.object({ provider: z.string(), model: z.string(), users: z.int(), ...groupFiguresSchema.shape }))
      .readonly(),
    other: otherSchema.nullable().describe('models that would give away somebody who is hidden or not shown exactly'),
  }),
);
export type ModelsJson = Readonly<z.output<typeof modelsSchema>>;

export const teamsSchema = component(
  'Teams',
  z.object({
    ...shared,
    least_people: z.int().describe('a team of fewer people is in `other`'),
    teams: z.array(z.object({ team: z.string(), users: z.int(), ...groupFiguresSchema.shape })).readonly(),
    other: otherSchema
      .nullable()
      .describe('small teams, usage without a team, and whatever has to be with them so that nobody is given away'),
  }),
);
export type TeamsJson = Readonly<z.output<typeof teamsSchema>>;

const TAG = 'Usage';

const leaderboardEndpoint = new Endpoint({
  id: 'getLeaderboard',
  path: '/v1/leaderboards/:metric',
  tag: TAG,
  summary: 'Who used how much, the most first',
  parameters: {
    path: {
      metric: z
        .enum(boardMetrics, { error: `is not one of ${boardMetrics.join(', ')}` })
        .describe('what the board is ordered by'),
    },
    query: { window: windowParameter, scope: scopeParameter, limit: limitParameter(100, 1000) },
  },
  answer: { description: 'The board', content: { [JSON_TYPE]: leaderboardSchema } },
  problems: ['starting', 'storage_unavailable'],
});

const userEndpoint = new Endpoint({
  id: 'getUser',
  path: '/v1/users/:id',
  tag: TAG,
  summary: 'A person’s usage by day and model, their rank and titles',
  description: 'Of somebody who is hidden the answer is that of somebody unknown.',
  parameters: { path: { id: userParameter }, query: { window: windowParameter } },
  answer: { description: 'The person', content: { [JSON_TYPE]: userSchema } },
  problems: ['no_usage', 'starting', 'storage_unavailable'],
});

const modelsEndpoint = new Endpoint({
  id: 'getModels',
  path: '/v1/models',
  tag: TAG,
  summary: 'Usage by provider and model',
  parameters: { query: { window: windowParameter } },
  answer: { description: 'The most tokens first', content: { [JSON_TYPE]: modelsSchema } },
  problems: ['starting', 'storage_unavailable'],
});

const teamsEndpoint = new Endpoint({
  id: 'getTeams',
  path: '/v1/teams',
  tag: TAG,
  summary: 'Usage by team',
  parameters: { query: { window: windowParameter } },
  answer: { description: 'The most tokens first', content: { [JSON_TYPE]: teamsSchema } },
  problems: ['starting', 'storage_unavailable'],
});

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

@Controller()
export class UsageController {
  constructor(
    @Inject(UsageReads) private readonly reads: UsageReads,
    @Inject(AwardLog) private readonly awards: AwardLog,
    @Inject(PeopleDirectory) private readonly people: PeopleDirectory,
    @Inject(Startup) private readonly startup: Startup,
  ) {}

  @Serves(leaderboardEndpoint)
  async leaderboard(@Param() path: unknown, @Query() query: unknown): Promise<LeaderboardJson> {
    const given = leaderboardEndpoint.read({ path, query });
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
      scope: textOf(scope),
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

  @Serves(userEndpoint)
  async user(@Param() path: unknown, @Query() query: unknown): Promise<UserJson> {
    const given = userEndpoint.read({ path, query });
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

  @Serves(modelsEndpoint)
  async models(@Query() query: unknown): Promise<ModelsJson> {
    const given = modelsEndpoint.read({ query });
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

  @Serves(teamsEndpoint)
  async teams(@Query() query: unknown): Promise<TeamsJson> {
    const given = teamsEndpoint.read({ query });
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
