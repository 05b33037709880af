import type { Readable } from 'node:stream';
import { Controller, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  holderJson,
  holderSchema,
  LEAST_COHORT,
  PeopleDirectory,
  personJson,
  personSchema,
  shownCount,
  tierJson,
  tierSchema,
} from '@laurel/policy';
import { dayKey, noFigures, totalOf, type Day } from '@laurel/usage';
import { Exports } from '../access/exports.js';
import { AwardLog } from '../awards/award-log.js';
import { component } from '../http/components.js';
import { Endpoint, JSON_TYPE, Serves } from '../http/endpoint.js';
import { Cursors } from '../http/cursors.js';
import type { Rendered } from '../http/rendered.js';
import { RenderedAnswers } from '../http/rendered-answers.js';
import {
  asOfParameter,
  cursorParameter,
  endOf,
  offsetParameter,
  pageLimitParameter,
  scopeParameter,
  searchParameter,
  STANDARD_PAGE,
  textOf,
  userParameter,
  windowParameter,
} from '../http/parameters.js';
import { formatAsked, jsonOrTable, tableFor } from '../tables/tables.js';
import { Problem } from '../http/problem.js';
import { readableId } from '../people/nobody.js';
import { Startup } from '../startup.js';
import { costsJson, costsSchema, figuresJson, figuresSchema, shareOf } from './figures-json.js';
import { groupFiguresSchema, otherSchema, publishedGroups } from './groups-json.js';
import { leaderboardEntrySchema, Leaderboards, standingsSchema } from './leaderboards.js';
import { MEASURES, measuresSchema } from './measures.js';
import { boardMetrics } from './statements.js';
import { UsageReads, type ModelMixEntry, type TeamEntry } from './usage-reads.js';
import { namedWindow, windowSchema } from './window-json.js';

const shared = { measures: measuresSchema, window: component('Window', windowSchema) };

/** What a cursor of a board holds. */
const placeSchema = z.object({ value: z.string(), userId: z.string() });

export const leaderboardSchema = component(
  'Leaderboard',
  standingsSchema.extend({
    next_cursor: z.string().nullable().describe('for the `cursor` of what follows; null at the end'),
    user: leaderboardEntrySchema
      .nullable()
      .optional()
      .describe(
        'the entry of the person in `user`, wherever it stands; null for whoever is not on the board; absent unless asked for',
      ),
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
      .describe('held now, or at the end of the day that was asked for'),
    tiers: z
      .array(component('Tier', tierSchema))
      .readonly()
      .nullable()
      .describe('had now, by title and scope; null when an earlier day was asked for'),
  }),
);
export type UserJson = Readonly<z.output<typeof userSchema>>;

const modelGroupSchema = z.object({
  provider: z.string(),
  model: z.string(),
  users: z.int(),
  ...groupFiguresSchema.shape,
});

export const modelsSchema = component(
  'Models',
  z.object({
    ...shared,
    models: z.array(modelGroupSchema).readonly(),
    other: otherSchema.nullable().describe('models that would give away somebody who is hidden or not shown exactly'),
  }),
);
export type ModelsJson = Readonly<z.output<typeof modelsSchema>>;

const teamGroupSchema = z.object({ team: z.string(), users: z.int(), ...groupFiguresSchema.shape });

export const teamsSchema = component(
  'Teams',
  z.object({
    ...shared,
    least_people: z.int().describe('a team of fewer people is in `other`'),
    teams: z.array(teamGroupSchema).readonly(),
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
  access: 'board:read',
  summary: 'Who used how much, the most first',
  parameters: {
    path: {
      metric: z
        .enum(boardMetrics, { error: `is not one of ${boardMetrics.join(', ')}` })
        .describe('what the board is ordered by'),
    },
    query: {
      window: windowParameter,
      as_of: asOfParameter,
      scope: scopeParameter,
      limit: pageLimitParameter,
      cursor: cursorParameter,
      offset: offsetParameter,
      q: searchParameter,
      user: userParameter.optional(),
    },
  },
  answer: { description: 'The board, or a table of all of it', content: jsonOrTable(leaderboardSchema) },
  problems: ['not_acceptable', 'starting', 'storage_unavailable'],
});

const userEndpoint = new Endpoint({
  id: 'getUser',
  path: '/v1/users/:id',
  tag: TAG,
  access: 'people:read',
  looksAt: 'id',
  summary: 'A person’s usage by day and model, their rank and titles',
  description: 'Of somebody who is hidden the answer is that of somebody unknown.',
  parameters: { path: { id: userParameter }, query: { window: windowParameter, as_of: asOfParameter } },
  answer: { description: 'The person', content: { [JSON_TYPE]: userSchema } },
  problems: ['no_usage', 'starting', 'storage_unavailable'],
});

const modelsEndpoint = new Endpoint({
  id: 'getModels',
  path: '/v1/models',
  tag: TAG,
  access: 'board:read',
  summary: 'Usage by provider and model',
  parameters: { query: { window: windowParameter, as_of: asOfParameter } },
  answer: { description: 'The most tokens first', content: jsonOrTable(modelsSchema) },
  problems: ['not_acceptable', 'starting', 'storage_unavailable'],
});

const teamsEndpoint = new Endpoint({
  id: 'getTeams',
  path: '/v1/teams',
  tag: TAG,
  access: 'board:read',
  summary: 'Usage by team',
  parameters: { query: { window: windowParameter, as_of: asOfParameter } },
  answer: { description: 'The most tokens first', content: jsonOrTable(teamsSchema) },
  problems: ['not_acceptable', 'starting', 'storage_unavailable'],
});

@Controller()
export class UsageController {
  constructor(
    @Inject(UsageReads) private readonly reads: UsageReads,
    @Inject(Leaderboards) private readonly leaderboards: Leaderboards,
    @Inject(AwardLog) private readonly awards: AwardLog,
    @Inject(PeopleDirectory) private readonly people: PeopleDirectory,
    @Inject(Startup) private readonly startup: Startup,
    @Inject(Cursors) private readonly cursors: Cursors,
    @Inject(Exports) private readonly exports: Exports,
    @Inject(RenderedAnswers) private readonly rendered: RenderedAnswers,
  ) {}

  @Serves(leaderboardEndpoint)
  async leaderboard(
    @Param() path: unknown,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Rendered<LeaderboardJson> | Readable> {
    const given = leaderboardEndpoint.read({ path, query });
    const format = formatAsked(request.headers.accept);
    this.startup.requireDatabase();
    this.startup.requirePeople();
    const { metric } = given.path;
    const { window: name, scope, as_of: asOf, limit, cursor, offset, q, user } = given.query;
    const list = [leaderboardEndpoint.description.id, metric, name, asOf ?? null, textOf(scope), q ?? null];
    const after = cursor === undefined ? undefined : placeSchema.parse(this.cursors.open(list, cursor));
    const wanted = { metric, window: name, atMs: asOf ?? Date.now(), scope };
    if (format !== 'json') {
      await this.exports.allow(request, leaderboardEndpoint, { scope });
      const rows = await this.leaderboards.rows(wanted, limit, { after, offset, q });
      return tableFor(reply, format, `leaderboard-${metric}`, { schema: leaderboardEntrySchema, rows });
    }
    const entries = limit ?? STANDARD_PAGE;
    const part = [...list, entries, cursor ?? null, offset];
    const board = await this.rendered.get<LeaderboardJson>(part, await this.leaderboards.basis(wanted), async () => {
      const { standings, last } = await this.leaderboards.page(wanted, entries, { after, offset, q });
      return { ...standings, next_cursor: last === undefined ? null : this.cursors.seal(list, last) };
    });
    // Whose place somebody asks for is theirs alone, the board everybody's.
    return user === undefined ? board : board.with('user', await this.leaderboards.own(wanted, user));
  }

  @Serves(userEndpoint)
  async user(@Param() path: unknown, @Query() query: unknown): Promise<UserJson> {
    const given = userEndpoint.read({ path, query });
    this.startup.requireDatabase();
    this.startup.requireTitles();
    this.startup.requirePeople();
    const { id } = given.path;
    const { window, previous, json } = namedWindow(given.query.window, given.query.as_of ?? Date.now());
    const usage = await this.reads.user(readableId(this.people, id), { window, previous });
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
      titles: this.awards.heldBy(id, endOf(given.query.as_of)).map((award) => ({
        title_id: award.title_id,
        scope: award.scope,
        ...holderJson(award, this.people, person),
      })),
      tiers: given.query.as_of === undefined ? this.awards.tiersOf(id).map((held) => tierJson(held, person)) : null,
    };
  }

  @Serves(modelsEndpoint)
  async models(
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Rendered<ModelsJson> | Readable> {
    const given = modelsEndpoint.read({ query });
    const format = formatAsked(request.headers.accept);
    this.startup.requireDatabase();
    const { window: name, as_of: asOf } = given.query;
    const { window, json } = namedWindow(name, asOf ?? Date.now());
    const mix = await this.reads.models(window);
    if (format !== 'json') {
      await this.exports.allow(request, modelsEndpoint);
      return tableFor(reply, format, 'models', { schema: modelGroupSchema, rows: modelsOf(mix).models });
    }
    const key = [modelsEndpoint.description.id, name, asOf ?? null];
    return this.rendered.get<ModelsJson>(key, [mix], () => ({ measures: MEASURES, window: json, ...modelsOf(mix) }));
  }

  @Serves(teamsEndpoint)
  async teams(
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Rendered<TeamsJson> | Readable> {
    const given = teamsEndpoint.read({ query });
    const format = formatAsked(request.headers.accept);
    this.startup.requireDatabase();
    const { window: name, as_of: asOf } = given.query;
    const { window, json } = namedWindow(name, asOf ?? Date.now());
    const mix = await this.reads.teams(window);
    if (format !== 'json') {
      await this.exports.allow(request, teamsEndpoint);
      return tableFor(reply, format, 'teams', { schema: teamGroupSchema, rows: teamsOf(mix).teams });
    }
    const key = [teamsEndpoint.description.id, name, asOf ?? null];
    return this.rendered.get<TeamsJson>(key, [mix], () => ({
      measures: MEASURES,
      window: json,
      least_people: LEAST_COHORT,
      ...teamsOf(mix),
    }));
  }
}

function modelsOf(mix: readonly ModelMixEntry[]): Pick<ModelsJson, 'models' | 'other'> {
  const { shown, other } = publishedGroups(mix, 0);
  return {
    models: shown.map(({ group: { provider, model, users }, json }) => ({ provider, model, users, ...json })),
    other,
  };
}

function teamsOf(mix: readonly TeamEntry[]): Pick<TeamsJson, 'teams' | 'other'> {
  const { shown, other } = publishedGroups(
    mix.filter(({ team }) => team !== ''),
    LEAST_COHORT,
    mix.filter(({ team }) => team === ''),
  );
  return { teams: shown.map(({ group: { team, users }, json }) => ({ team, users, ...json })), other };
}
