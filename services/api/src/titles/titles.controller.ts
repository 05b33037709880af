import { Controller, Get, Inject, Query } from '@nestjs/common';
import { titleStandings, type ClickHouseClient } from '@laurel/clickhouse';
import {
  generatedHandle,
  unitOf,
  type Eligibility,
  type Margin,
  type Metric,
  type Standing,
  type TitleRule,
} from '@laurel/titles';
import { evidenceJson, holderJson, type EvidenceJson, type HolderJson } from '../awards/award-json.js';
import { AwardLog } from '../awards/award-log.js';
import { readParameters } from '../http/parameters.js';
import { Reused } from '../reused.js';
import { Startup } from '../startup.js';
import { namedWindow, type NamedWindow, type WindowJson } from '../usage/window-json.js';

export const CLICKHOUSE = Symbol('clickhouse');
export const RULES = Symbol('rules');

/** How many of the best each title shows. */
const STANDINGS = 5;

export interface TitleJson {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly version: number;
  /** Its kind and parameters, as in the rule. */
  readonly metric: Metric;
  /** Of every value of this title. */
  readonly unit: string;
  /** The window that the standings are of. */
  readonly window: WindowJson;
  readonly scope: string;
  readonly eligibility: Eligibility;
  readonly margin: Margin;
  /** How many may hold it at a time. */
  readonly max_holders: number;
  /** In the order of their awards; figures are as of the award. */
  readonly holders: readonly ({ readonly user_id: string; readonly handle: string } & HolderJson)[];
  /** The best eligible people now. */
  readonly standings: readonly {
    readonly rank: number;
    readonly user_id: string;
    readonly handle: string;
    readonly value: number;
    readonly evidence: EvidenceJson;
  }[];
}

export interface TitlesJson {
  readonly titles: readonly TitleJson[];
}

interface TitleStandings {
  readonly rule: TitleRule;
  readonly named: NamedWindow;
  readonly standings: readonly Standing[];
}

@Controller('v1/titles')
export class TitlesController {
  private readonly standings = new Reused(() => this.readStandings());

  constructor(
    @Inject(CLICKHOUSE) private readonly clickhouse: ClickHouseClient,
    @Inject(RULES) private readonly rules: readonly TitleRule[],
    @Inject(AwardLog) private readonly awards: AwardLog,
    @Inject(Startup) private readonly startup: Startup,
  ) {}

  @Get()
  async titles(@Query() query: unknown): Promise<TitlesJson> {
    readParameters({ query: {} }, { query });
    this.startup.requireDatabase();
    this.startup.requireAwards();
    const standings = await this.standings.get();
    return { titles: standings.map((one) => this.title(one)) };
  }

  private async readStandings(): Promise<readonly TitleStandings[]> {
    const nowMs = Date.now();
    const standings = this.rules.map(async (rule) => {
      const named = namedWindow(`${rule.window_days}d`, nowMs);
      return { rule, named, standings: await titleStandings(this.clickhouse, rule, named.window, [], STANDINGS) };
    });
    return Promise.all(standings);
  }

  private title({ rule, named: { json }, standings }: TitleStandings): TitleJson {
    return {
      id: rule.id,
      name: rule.name,
      description: rule.description,
      version: rule.version,
      metric: rule.metric,
      unit: unitOf(rule.metric.kind),
      window: json,
      scope: rule.scope,
      eligibility: rule.eligibility,
      margin: rule.margin,
      max_holders: rule.holders,
      holders: this.awards.holders(rule.id, rule.scope).map((award) => ({
        user_id: award.user_id,
        handle: generatedHandle(award.user_id),
        ...holderJson(award),
      })),
      standings: standings
        .filter(({ eligible }) => eligible)
        .slice(0, STANDINGS)
        .map(({ rank, userId, value, evidence }) => ({
          rank,
          user_id: userId,
          handle: generatedHandle(userId),
          value,
          evidence: evidenceJson(evidence),
        })),
    };
  }
}
