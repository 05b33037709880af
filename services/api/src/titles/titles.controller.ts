import { Controller, Inject, Query } from '@nestjs/common';
import { z } from 'zod';
import { titleStandings, type ClickHouseClient } from '@laurel/clickhouse';
import {
  evidenceSchema,
  holderJson,
  holderSchema,
  PeopleDirectory,
  personJson,
  personSchema,
  shownEvidence,
  shownValue,
} from '@laurel/policy';
import {
  eligibilitySchema,
  isInForce,
  isScopeOf,
  levelEntries,
  marginSchema,
  metricSchema,
  RuleBook,
  tierNames,
  unitOf,
  usageFilterSchema,
  type Scope,
  type Standing,
  type TitleRule,
} from '@laurel/titles';
import { AwardLog } from '../awards/award-log.js';
import { component } from '../http/components.js';
import { Endpoint, JSON_TYPE, Serves } from '../http/endpoint.js';
import { titleScopeParameter } from '../http/parameters.js';
import { ReusedByKey } from '../reused.js';
import { Startup } from '../startup.js';
import { namedWindow, windowSchema, type NamedWindow } from '../usage/window-json.js';

export const CLICKHOUSE = Symbol('clickhouse');

/** How many of the best each title shows. */
const STANDINGS = 5;

const day = z.iso.date().nullable().describe('a UTC day, included; null without a bound');

export const titleSchema = component(
  'Title',
  z.object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    icon: z.string().nullable().describe('an emoji or a few letters; null when the rule has none'),
    version: z.int(),
    metric: metricSchema.describe('its kind and parameters, as in the rule'),
    unit: z.string().describe('of every value of this title'),
    window: component('Window', windowSchema),
    scope: z.string().describe('company, team:<team>, or family:<model family>'),
    usage: usageFilterSchema.nullable().describe('which usage counts; null for all'),
    eligibility: eligibilitySchema,
    margin: marginSchema,
    max_holders: z.int().describe('how many may hold it at a time'),
    dwell_hours: z.int().describe('for so long after the award nobody can overtake the holder'),
    tiers: z
      .object({
        by: z.enum(['value', 'top_per_mille']),
        levels: z
          .array(
            z.object({
              tier: z.enum(tierNames),
              at: z.number().describe('the least value, or the part of the eligible people in thousandths'),
              people: z.int().min(0).describe('how many have it now'),
            }),
          )
          .readonly()
          .describe('the lowest first'),
        margin: marginSchema.describe('how far below its threshold a tier is kept'),
      })
      .nullable()
      .describe('what everybody who is eligible can reach; null where the rule has none'),
    valid_from: day,
    valid_until: day,
    holders: z
      .array(z.object({ ...personSchema.shape, ...holderSchema.shape }))
      .readonly()
      .describe('in the order of their awards; figures are as of the award'),
    standings: z
      .array(
        z.object({
          rank: z.int().min(1),
          ...personSchema.shape,
          value: z.number(),
          evidence: evidenceSchema,
        }),
      )
      .readonly()
      .describe('the best eligible people now'),
  }),
);
export type TitleJson = Readonly<z.output<typeof titleSchema>>;

export const titlesSchema = component('Titles', z.object({ titles: z.array(titleSchema).readonly() }));
export type TitlesJson = Readonly<z.output<typeof titlesSchema>>;

const titlesEndpoint = new Endpoint({
  id: 'listTitles',
  path: '/v1/titles',
  tag: 'Titles',
  access: 'board:read',
  summary: 'Each title of a scope: rule, holders with their evidence, the best five now',
  parameters: { query: { scope: titleScopeParameter } },
  answer: { description: 'In the order of the rules', content: { [JSON_TYPE]: titlesSchema } },
  problems: ['starting', 'storage_unavailable'],
});

interface TitleStandings {
  readonly rule: TitleRule;
  readonly named: NamedWindow;
  readonly standings: ReadonlyMap<Scope, readonly Standing[]>;
}

@Controller()
export class TitlesController {
  /** By the offset of the rules, so that new ones are in force at once. */
  private readonly standings = new ReusedByKey(() => this.readStandings(), String, 1);

  constructor(
    @Inject(CLICKHOUSE) private readonly clickhouse: ClickHouseClient,
    @Inject(RuleBook) private readonly book: RuleBook,
    @Inject(AwardLog) private readonly awards: AwardLog,
    @Inject(PeopleDirectory) private readonly people: PeopleDirectory,
    @Inject(Startup) private readonly startup: Startup,
  ) {}

  @Serves(titlesEndpoint)
  async titles(@Query() query: unknown): Promise<TitlesJson> {
    const given = titlesEndpoint.read({ query });
    this.startup.requireDatabase();
    this.startup.requireTitles();
    this.startup.requirePeople();
    const standings = await this.standings.get(this.book.offset);
    const { scope } = given.query;
    return { titles: standings.filter(({ rule }) => isScopeOf(rule, scope)).map((one) => this.title(one, scope)) };
  }

  private async readStandings(): Promise<readonly TitleStandings[]> {
    const nowMs = Date.now();
    const rules = this.book.rules.filter((rule) => isInForce(rule, nowMs));
    const standings = rules.map(async (rule) => {
      const named = namedWindow(rule.window, nowMs);
      return { rule, named, standings: await titleStandings(this.clickhouse, rule, named.window, [], STANDINGS) };
    });
    return Promise.all(standings);
  }

  private tiers({ id, tiers }: TitleRule, scope: Scope): TitleJson['tiers'] {
    if (tiers === undefined) return null;
    const people = this.awards.tierCounts(id, scope);
    const levels = levelEntries(tiers.levels).map(([tier, at]) => ({ tier, at, people: people.get(tier) ?? 0 }));
    return { by: tiers.by, levels, margin: tiers.margin };
  }

  private title({ rule, named: { json }, standings }: TitleStandings, scope: Scope): TitleJson {
    return {
      id: rule.id,
      name: rule.name,
      description: rule.description,
      icon: rule.icon ?? null,
      version: rule.version,
      metric: rule.metric,
      unit: unitOf(rule.metric),
      window: json,
      scope,
      usage: rule.usage ?? null,
      eligibility: rule.eligibility,
      margin: rule.margin,
      max_holders: rule.holders,
      dwell_hours: rule.dwell_hours,
      tiers: this.tiers(rule, scope),
      valid_from: rule.valid_from ?? null,
      valid_until: rule.valid_until ?? null,
      holders: this.awards.holders(rule.id, scope).flatMap((award) => {
        const person = personJson(this.people, award.user_id);
        return person === undefined ? [] : [{ ...person, ...holderJson(award, this.people, person) }];
      }),
      standings: (standings.get(scope) ?? [])
        .filter(({ eligible }) => eligible)
        .slice(0, STANDINGS)
        .flatMap(({ rank, userId, value, evidence }) => {
          const person = personJson(this.people, userId);
          if (person === undefined) return [];
          const shown = shownValue(person.figures, unitOf(rule.metric), value);
          return [{ rank, ...person, value: shown, evidence: shownEvidence(evidence, this.people, person) }];
        }),
    };
  }
}
