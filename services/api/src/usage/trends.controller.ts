import { Controller, Inject, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { PeopleDirectory, personJson, shownCount } from '@laurel/policy';
import { tierNames, tierOrder } from '@laurel/titles';
import { dayKey, windowOf, type Day } from '@laurel/usage';
import { AwardLog } from '../awards/award-log.js';
import { component } from '../http/components.js';
import { Endpoint, JSON_TYPE, Serves } from '../http/endpoint.js';
import {
  limitParameter,
  offsetParameter,
  scopeParameter,
  searchParameter,
  STANDARD_PAGE,
  windowParameter,
} from '../http/parameters.js';
import type { Rendered } from '../http/rendered.js';
import { RenderedAnswers } from '../http/rendered-answers.js';
import { Startup } from '../startup.js';
import { shareOf, sumSchema } from './figures-json.js';
import { Leaderboards } from './leaderboards.js';
import { boardMetrics } from './statements.js';
import { UsageReads, type PersonDays } from './usage-reads.js';

/** Whatever the board's own window. */
const TREND = '30d';
/** Of each person, the most used ones. */
const FAMILIES = 4;
/** Of each person, the highest ones. */
const TIERS = 3;
/** Whom one answer is of at most: it reads usage of each. */
const MOST_PEOPLE = 250;

const NOBODY: ReadonlyMap<string, PersonDays> = new Map();

const trendSchema = z.object({
  user_id: z.string(),
  days: z.array(sumSchema).readonly().describe('total tokens of each day'),
  families: z
    .array(
      z.object({
        family: z.string().describe('the canonical family of a model, whatever gateway, region or date its id has'),
        share: z.number().min(0).max(1).describe('of the person’s tokens in these days, as shown'),
      }),
    )
    .readonly()
    .describe(`the most used ones, at most ${FAMILIES}, the most tokens first`),
  family_count: z.int().describe('how many there are'),
  tiers: z
    .array(z.object({ title_id: z.string(), scope: z.string(), tier: z.enum(tierNames) }))
    .readonly()
    .describe(`had now, the highest first, at most ${TIERS}`),
  tier_count: z.int().describe('how many there are'),
});
type TrendJson = Readonly<z.output<typeof trendSchema>>;

export const trendsSchema = component(
  'Trends',
  z.object({
    days: z.array(z.iso.date()).readonly().describe('the last 30 UTC days, today included, ascending'),
    people: z
      .array(trendSchema)
      .readonly()
      .describe('those who are the board’s entries under the same parameters, in its order'),
  }),
);
export type TrendsJson = Readonly<z.output<typeof trendsSchema>>;

const trendsEndpoint = new Endpoint({
  id: 'getTrends',
  path: '/v1/leaderboards/:metric/trends',
  tag: 'Usage',
  access: 'board:read',
  summary: 'How those on a part of a board came there: their last 30 days, their models and tiers',
  parameters: {
    path: {
      metric: z
        .enum(boardMetrics, { error: `is not one of ${boardMetrics.join(', ')}` })
        .describe('what the board is ordered by'),
    },
    query: {
      window: windowParameter,
      scope: scopeParameter,
      limit: limitParameter(STANDARD_PAGE, MOST_PEOPLE),
      offset: offsetParameter,
      q: searchParameter,
    },
  },
  answer: { description: 'Of each of them', content: { [JSON_TYPE]: trendsSchema } },
  problems: ['starting', 'storage_unavailable'],
});

/** What a board shows beside its figures: how each person came there. Apart from the board, as it is dearer to read. */
@Controller()
export class TrendsController {
  constructor(
    @Inject(UsageReads) private readonly reads: UsageReads,
    @Inject(PeopleDirectory) private readonly people: PeopleDirectory,
    @Inject(Leaderboards) private readonly leaderboards: Leaderboards,
    @Inject(AwardLog) private readonly awards: AwardLog,
    @Inject(Startup) private readonly startup: Startup,
    @Inject(RenderedAnswers) private readonly rendered: RenderedAnswers,
  ) {}

  @Serves(trendsEndpoint)
  async trends(@Param() path: unknown, @Query() query: unknown): Promise<Rendered<TrendsJson>> {
    const given = trendsEndpoint.read({ path, query });
    this.startup.requireDatabase();
    this.startup.requirePeople();
    this.startup.requireTitles();
    const nowMs = Date.now();
    const { window, scope, limit, offset, q } = given.query;
    const board = { metric: given.path.metric, window, scope, atMs: nowMs };
    const userIds = await this.leaderboards.userIds(board, limit, { offset, q });
    const trend = windowOf(TREND, nowMs);
    const days = Array.from({ length: trend.days }, (_, index) => (trend.firstDay + index) as Day);
    const known = userIds.length === 0 ? NOBODY : await this.reads.daysOfPeople(userIds, trend);
    const basis = [known, this.people.revision, this.awards.lastOffset];
    return this.rendered.get<TrendsJson>([trendsEndpoint.description.id, userIds, trend.lastDay], basis, () => ({
      days: days.map(dayKey),
      // Again, as somebody may hide meanwhile.
      people: userIds.flatMap((userId) => this.personTrend(userId, days, known.get(userId) ?? new Map()) ?? []),
    }));
  }

  private personTrend(userId: string, days: readonly Day[], families: PersonDays): TrendJson | undefined {
    const person = personJson(this.people, userId);
    if (person === undefined) return undefined;
    const shown = (tokens: bigint): bigint => shownCount(person.figures, 'tokens', tokens);
    const sum = (amounts: Iterable<bigint>): bigint => [...amounts].reduce((total, one) => total + one, 0n);
    const totals = [...families]
      .map(([family, byDay]) => ({ family, tokens: sum(byDay.values()) }))
      .sort((a, b) => (a.tokens === b.tokens ? (a.family < b.family ? -1 : 1) : a.tokens > b.tokens ? -1 : 1));
    const tiers = [...this.awards.tiersOf(userId)].sort((a, b) => tierOrder(b.tier) - tierOrder(a.tier));
    const all = shown(sum(totals.map(({ tokens }) => tokens)));
    return {
      user_id: userId,
      days: days.map((day) => String(shown(sum([...families.values()].map((byDay) => byDay.get(day) ?? 0n))))),
      families: totals.slice(0, FAMILIES).map(({ family, tokens }) => ({ family, share: shareOf(shown(tokens), all) })),
      family_count: totals.length,
      tiers: tiers.slice(0, TIERS).map(({ titleId, scope, tier }) => ({ title_id: titleId, scope, tier })),
      tier_count: tiers.length,
    };
  }
}
