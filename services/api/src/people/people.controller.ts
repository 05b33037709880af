import { Controller, Inject, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import {
  evidenceSchema,
  PeopleDirectory,
  personJson,
  shownCount,
  shownEvidence,
  shownValue,
  type PersonJson,
} from '@laurel/policy';
import { explain } from '@laurel/titles';
import { dayKey, noFigures, parseDayKey, totalOf, type Day, type Window } from '@laurel/usage';
import { AwardLog } from '../awards/award-log.js';
import { component } from '../http/components.js';
import { Endpoint, JSON_TYPE, Serves } from '../http/endpoint.js';
import { userParameter, windowParameter } from '../http/parameters.js';
import { Problem } from '../http/problem.js';
import { Startup } from '../startup.js';
import { TitleReads, type OwnStanding, type TitleStandings } from '../titles/title-reads.js';
import { sumSchema } from '../usage/figures-json.js';
import { UsageReads } from '../usage/usage-reads.js';
import { namedWindow, windowSchema } from '../usage/window-json.js';
import { badgeSvg } from './badge.js';
import { readableId } from './nobody.js';

const BADGE_WINDOW = '30d';
export const SVG_TYPE = 'image/svg+xml';

/** Of a person's sessions, the ones with the most active minutes. */
const LONGEST = 5;

const window = component('Window', windowSchema);
const amounts = z.array(sumSchema).readonly();

export const historySchema = component(
  'History',
  z.object({
    window,
    days: z
      .array(z.iso.date())
      .readonly()
      .describe('every UTC day of the window, ascending; of all time, those from the first one with usage on'),
    total_tokens: amounts.describe('of each day'),
    families: z
      .array(z.object({ family: z.string(), total_tokens: amounts.describe('of each day') }))
      .readonly()
      .describe('the same by model family, the one with the most tokens first'),
  }),
);
export type HistoryJson = Readonly<z.output<typeof historySchema>>;

export const sessionsSchema = component(
  'Sessions',
  z.object({
    window,
    sessions: z.number().describe('with a call that counts for titles'),
    active_minutes: z
      .number()
      .describe('UTC minutes in which the person themselves asked, summed over sessions: two at once count twice'),
    days: z
      .array(z.object({ day: z.iso.date(), sessions: z.number(), active_minutes: z.number() }))
      .readonly()
      .describe(
        'every UTC day of the window. A session counts on the day of its first hour, its minutes when they were',
      ),
    longest: z
      .array(z.object({ day: z.iso.date(), active_minutes: z.number() }))
      .readonly()
      .describe(`the ${LONGEST} longest ones, each with the day on which it began`),
  }),
);
export type SessionsJson = Readonly<z.output<typeof sessionsSchema>>;

const personTitleSchema = z.object({
  title_id: z.string(),
  scope: z.string(),
  status: z
    .enum(['holds', 'not_eligible', 'vacant', 'leads', 'behind'])
    .describe(
      'not_eligible: see lacks, or without any value; vacant: a seat is free and would be theirs; leads: ahead of the holder beyond the margin, so that it passes on at the next evaluation, unless the holder may keep it for some time',
    ),
  value: z.number(),
  unit: z.string(),
  rank: z.int().nullable().describe('among the eligible, where it is one of the best that titles show; else null'),
  evidence: evidenceSchema,
  lacks: z
    .array(z.object({ minimum: z.string(), has: z.number(), needs: z.number() }))
    .readonly()
    .describe('minimums that are not met'),
  to_beat: z
    .number()
    .nullable()
    .describe(
      'the value of the holder whom they have to overtake, as that holder lets it be seen; null where there is none',
    ),
  beyond: z
    .number()
    .nullable()
    .describe('what their own value has to exceed; null where that would tell more than the holder lets be seen'),
  dwells_until: z.iso.datetime().nullable().describe('until when that holder can’t be overtaken'),
  held_since: z.iso.datetime().nullable(),
});
export type PersonTitleJson = Readonly<z.output<typeof personTitleSchema>>;

export const personTitlesSchema = component(
  'PersonTitles',
  z.object({ titles: z.array(personTitleSchema).readonly() }),
);
export type PersonTitlesJson = Readonly<z.output<typeof personTitlesSchema>>;

const shared = { tag: 'People', access: 'people:read', looksAt: 'id' } as const;
const problems = ['no_usage', 'starting', 'storage_unavailable'] as const;
const HIDDEN = 'Of somebody who is hidden the answer is that of somebody unknown.';

const historyEndpoint = new Endpoint({
  ...shared,
  id: 'getHistory',
  path: '/v1/users/:id/history',
  summary: 'A person’s tokens by day and model family',
  description: HIDDEN,
  parameters: { path: { id: userParameter }, query: { window: windowParameter } },
  answer: { description: 'By day', content: { [JSON_TYPE]: historySchema } },
  problems,
});

const sessionsEndpoint = new Endpoint({
  ...shared,
  id: 'getSessions',
  path: '/v1/users/:id/sessions',
  summary: 'A person’s sessions by day and length',
  description: `Never by the time of day, which would show when somebody works. ${HIDDEN}`,
  parameters: { path: { id: userParameter }, query: { window: windowParameter } },
  answer: { description: 'By day', content: { [JSON_TYPE]: sessionsSchema } },
  problems,
});

const personTitlesEndpoint = new Endpoint({
  ...shared,
  id: 'getPersonTitles',
  path: '/v1/users/:id/titles',
  summary: 'How far a person is from each title, and why',
  description: HIDDEN,
  parameters: { path: { id: userParameter }, query: {} },
  answer: { description: 'In the order of the rules', content: { [JSON_TYPE]: personTitlesSchema } },
  problems,
});

const badgeEndpoint = new Endpoint({
  ...shared,
  id: 'getBadge',
  path: '/v1/users/:id/badge.svg',
  summary: 'A picture of where a person stands',
  description: `Of the last 30 days, as the person shows them; may be shown in other pages. ${HIDDEN}`,
  parameters: { path: { id: userParameter }, query: {} },
  answer: { description: 'SVG', content: { [SVG_TYPE]: z.string() } },
  problems,
});

/** What a page about one person shows. Of a person who is hidden nothing is answered, as of one who is unknown. */
@Controller()
export class PeopleController {
  constructor(
    @Inject(UsageReads) private readonly reads: UsageReads,
    @Inject(TitleReads) private readonly titleReads: TitleReads,
    @Inject(AwardLog) private readonly awards: AwardLog,
    @Inject(PeopleDirectory) private readonly people: PeopleDirectory,
    @Inject(Startup) private readonly startup: Startup,
  ) {}

  @Serves(historyEndpoint)
  async history(@Param() path: unknown, @Query() query: unknown): Promise<HistoryJson> {
    const given = historyEndpoint.read({ path, query });
    this.require();
    const [{ id }, { window: name }] = [given.path, given.query];
    const { window, json } = namedWindow(name, Date.now());
    const families =
      (await this.reads.daysOfPeople([readableId(this.people, id)], window)).get(id) ?? new Map<string, never>();
    const { figures } = await this.shown(id, families.size > 0);
    const shown = (tokens: bigint): string => String(shownCount(figures, 'tokens', tokens));
    const totals = new Map<Day, bigint>();
    const sums = [...families].map(([family, byDay]) => {
      let sum = 0n;
      for (const [day, tokens] of byDay) {
        sum += tokens;
        totals.set(day, (totals.get(day) ?? 0n) + tokens);
      }
      return { family, byDay, sum };
    });
    sums.sort((a, b) => (a.sum === b.sum ? (a.family < b.family ? -1 : 1) : a.sum > b.sum ? -1 : 1));
    const days = daysOf(window, name === 'all' ? Math.min(...totals.keys(), window.lastDay) : window.firstDay);
    return {
      window: json,
      days: days.map(dayKey),
      total_tokens: days.map((day) => shown(totals.get(day) ?? 0n)),
      families: sums.map(({ family, byDay }) => ({
        family,
        total_tokens: days.map((day) => shown(byDay.get(day) ?? 0n)),
      })),
    };
  }

  @Serves(sessionsEndpoint)
  async sessions(@Param() path: unknown, @Query() query: unknown): Promise<SessionsJson> {
    const given = sessionsEndpoint.read({ path, query });
    this.require();
    const [{ id }, { window: name }] = [given.path, given.query];
    const { window, json } = namedWindow(name, Date.now());
    const found = await this.reads.sessions(readableId(this.people, id), window);
    const { figures } = await this.shown(id, found.length > 0);
    const minutes = (count: number): number => shownValue(figures, 'minutes', count);
    const sessions = (count: number): number => shownValue(figures, 'sessions', count);
    const first =
      name === 'all' ? Math.min(...found.map(({ days }) => dayOfKey(days[0]?.day)), window.lastDay) : window.firstDay;
    const byDay = new Map(daysOf(window, first).map((day) => [dayKey(day), { sessions: 0, minutes: 0 }]));
    for (const { days } of found) {
      days.forEach(({ day, activeMinutes }, index) => {
        const sum = byDay.get(day);
        if (sum === undefined) return;
        sum.minutes += activeMinutes;
        if (index === 0) sum.sessions += 1;
      });
    }
    const lengths = found
      .map(({ days }) => ({ day: days[0]?.day ?? '', minutes: days.reduce((sum, one) => sum + one.activeMinutes, 0) }))
      .filter((one) => one.minutes > 0)
      .sort((a, b) => b.minutes - a.minutes || (a.day < b.day ? -1 : 1));
    return {
      window: json,
      sessions: sessions(found.length),
      active_minutes: minutes(lengths.reduce((sum, one) => sum + one.minutes, 0)),
      days: [...byDay].map(([day, sum]) => ({
        day,
        sessions: sessions(sum.sessions),
        active_minutes: minutes(sum.minutes),
      })),
      longest: lengths.slice(0, LONGEST).map((one) => ({ day: one.day, active_minutes: minutes(one.minutes) })),
    };
  }

  @Serves(personTitlesEndpoint)
  async titles(@Param() path: unknown, @Query() query: unknown): Promise<PersonTitlesJson> {
    const { id } = personTitlesEndpoint.read({ path, query }).path;
    this.require();
    this.startup.requireTitles();
    const titles = await this.titleReads.standings();
    const own = await this.titleReads.standingsOf(readableId(this.people, id), titles);
    const person = await this.shown(id);
    return {
      titles: titles.flatMap((title, index) =>
        (own[index] ?? []).map((standing) => this.personTitle(person, title, standing)),
      ),
    };
  }

  /** Of the last 30 days, as the person shows them. */
  @Serves(badgeEndpoint)
  async badge(
    @Param() path: unknown,
    @Query() query: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { id } = badgeEndpoint.read({ path, query }).path;
    this.require();
    this.startup.requireTitles();
    const { window, previous } = namedWindow(BADGE_WINDOW, Date.now());
    const usage = await this.reads.user(readableId(this.people, id), { window, previous });
    const person = await this.shown(id);
    const names = new Map((await this.titleReads.standings()).map(({ rule }) => [rule.id, rule.name]));
    void reply.type(SVG_TYPE).header('cross-origin-resource-policy', 'cross-origin');
    return badgeSvg({
      handle: person.handle,
      rank: usage?.place?.rank ?? null,
      people: usage?.place?.people ?? null,
      tokens: shownCount(person.figures, 'tokens', totalOf(usage?.figures ?? noFigures)),
      window: '30 days',
      titles: this.awards.heldBy(id).flatMap(({ title_id: title }) => names.get(title) ?? []),
    });
  }

  private personTitle(
    person: PersonJson,
    { rule, standings: byScope }: TitleStandings,
    { scope, own }: OwnStanding,
  ): PersonTitleJson {
    const standings = byScope.get(scope) ?? [];
    const state = this.awards.state(rule.id, scope);
    const explained = explain(rule, person.user_id, own, standings, state, Date.now());
    const { unit, toBeat, beyond, dwellsUntilMs, award } = explained;
    // The holder whose value it is; of equals any, as they are shown alike or less exactly.
    const holders = standings.filter(({ userId, value }) => userId !== person.user_id && value === toBeat);
    const precisions = holders.map(({ userId }) => personJson(this.people, userId)?.figures ?? 'bands');
    const precision = precisions.find((one) => one !== 'exact') ?? 'exact';
    return {
      title_id: rule.id,
      scope,
      status: explained.status,
      value: shownValue(person.figures, unit, explained.value),
      unit,
      rank: explained.rank === 0 ? null : explained.rank,
      evidence: own === undefined ? {} : shownEvidence(own.evidence, this.people, person),
      lacks: explained.lacks.map(({ minimum, has, needs }) => ({
        minimum,
        has: shownValue(person.figures, minimum === 'min_tokens' ? 'tokens' : 'days', has),
        needs,
      })),
      to_beat: toBeat === null ? null : shownValue(precision, unit, toBeat),
      beyond: precision === 'exact' ? beyond : null,
      dwells_until: dwellsUntilMs === null ? null : new Date(dwellsUntilMs).toISOString(),
      held_since: award === null ? null : new Date(award.evaluated_at).toISOString(),
    };
  }

  private require(): void {
    this.startup.requireDatabase();
    this.startup.requirePeople();
  }

  /**
   * @param isSeen whether some usage of theirs was read already, so that all days need not be asked for it.
   * @throws Problem `no_usage` for whoever is hidden by now, or has no usage on any day.
   */
  private async shown(id: string, isSeen = false): Promise<PersonJson> {
    const hasUsage = isSeen || (await this.reads.hasUsage(readableId(this.people, id)));
    const person = personJson(this.people, id);
    if (!hasUsage || person === undefined) throw new Problem('no_usage', `No usage of ${id} is recorded.`);
    return person;
  }
}

const daysOf = ({ lastDay }: Window, firstDay: number): readonly Day[] =>
  Array.from({ length: lastDay - firstDay + 1 }, (_, index) => (firstDay + index) as Day);

const dayOfKey = (key: string | undefined): number => parseDayKey(key ?? '') ?? Infinity;
