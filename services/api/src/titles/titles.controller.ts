import { Controller, Get, Inject, Query } from '@nestjs/common';
import { titleStandings, type ClickHouseClient } from '@laurel/clickhouse';
import {
  holderJson,
  PeopleDirectory,
  personJson,
  shownEvidence,
  shownValue,
  type EvidenceJson,
  type HolderJson,
  type PersonJson,
} from '@laurel/policy';
import {
  isInForce,
  isScopeOf,
  RuleBook,
  scopeOfTeam,
  unitOf,
  type Eligibility,
  type Margin,
  type Metric,
  type Scope,
  type Standing,
  type TitleRule,
} from '@laurel/titles';
import { AwardLog } from '../awards/award-log.js';
import { readParameters, scopeParameter } from '../http/parameters.js';
import { ReusedByKey } from '../reused.js';
import { Startup } from '../startup.js';
import { namedWindow, type NamedWindow, type WindowJson } from '../usage/window-json.js';

export const CLICKHOUSE = Symbol('clickhouse');

/** How many of the best each title shows. */
const STANDINGS = 5;

export interface TitleJson {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** An emoji or a few letters; null when the rule has none. */
  readonly icon: string | null;
  readonly version: number;
  /** Its kind and parameters, as in the rule. */
  readonly metric: Metric;
  /** Of every value of this title. */
  readonly unit: string;
  /** The window that the standings are of. */
  readonly window: WindowJson;
  /** company, or team:<team>. */
  readonly scope: Scope;
  readonly eligibility: Eligibility;
  readonly margin: Margin;
  /** How many may hold it at a time. */
  readonly max_holders: number;
  /** For so long after the award nobody can overtake the holder. */
  readonly dwell_hours: number;
  /** UTC days, both included; null without a bound. */
  readonly valid_from: string | null;
  readonly valid_until: string | null;
  /** In the order of their awards; figures are as of the award. */
  readonly holders: readonly (PersonJson & HolderJson)[];
  /** The best eligible people now. */
  readonly standings: readonly ({
    readonly rank: number;
    readonly value: number;
    readonly evidence: EvidenceJson;
  } & PersonJson)[];
}

export interface TitlesJson {
  readonly titles: readonly TitleJson[];
}

interface TitleStandings {
  readonly rule: TitleRule;
  readonly named: NamedWindow;
  readonly standings: ReadonlyMap<Scope, readonly Standing[]>;
}

@Controller('v1/titles')
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

  @Get()
  async titles(@Query() query: unknown): Promise<TitlesJson> {
    const given = readParameters({ query: { scope: scopeParameter } }, { query });
    this.startup.requireDatabase();
    this.startup.requireTitles();
    this.startup.requirePeople();
    const standings = await this.standings.get(this.book.offset);
    const { scope: asked } = given.query;
    const scope = asked.kind === 'company' ? 'company' : scopeOfTeam(asked.team);
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

  private title({ rule, named: { json }, standings }: TitleStandings, scope: Scope): TitleJson {
    return {
      id: rule.id,
      name: rule.name,
      description: rule.description,
      icon: rule.icon ?? null,
      version: rule.version,
      metric: rule.metric,
      unit: unitOf(rule.metric.kind),
      window: json,
      scope,
      eligibility: rule.eligibility,
      margin: rule.margin,
      max_holders: rule.holders,
      dwell_hours: rule.dwell_hours,
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
          const shown = shownValue(person.figures, unitOf(rule.metric.kind), value);
          return [{ rank, ...person, value: shown, evidence: shownEvidence(evidence, this.people, person) }];
        }),
    };
  }
}
