import { everybodyFacts, everybodyKey, factsOfTitles, titleStandings, type ClickHouseClient } from '@laurel/clickhouse';
import {
  countedPeople,
  factsByScope,
  isInForce,
  measure,
  type Measurement,
  type RuleBook,
  type Scope,
  type Standing,
  type TitleRule,
  type WindowFacts,
} from '@laurel/titles';
import { dayOf, type Window } from '@laurel/usage';
import type { AwardLog } from '../awards/award-log.js';
import { readIfOther, Reused, ReusedByKey } from '../reused.js';
import { namedWindow, type NamedWindow } from '../usage/window-json.js';

/** How many of the best each title shows. */
export const STANDINGS = 5;

/** Windows of rules in force, with the usage and the days that count; few. */
const WINDOWS_KEPT = 16;

export interface TitleStandings {
  readonly rule: TitleRule;
  readonly named: NamedWindow;
  /** The best, and all present holders, best first. */
  readonly standings: ReadonlyMap<Scope, readonly Standing[]>;
}

/** With 85,000 people it takes that long and longer, in ms; who holds what is known at once all the same. */
const MOST_TOOK_MS = 10_000;

type Everybody = Omit<WindowFacts, 'people'>;

/** Where one person stands by a rule, in a scope that is theirs. */
export interface OwnStanding {
  readonly scope: Scope;
  /** Undefined for whoever has no usage in the rule's window that counts. */
  readonly own: Measurement | undefined;
}

/** What the API has to read for titles; of everybody once for all who ask, as it is dear. */
export class TitleReads {
  /** By the offset of the rules, so that new ones are in force at once. */
  private readonly standingsByRules = new ReusedByKey(
    readIfOther(
      (offset: number) => this.basis(offset),
      () => this.readStandings(),
    ),
    String,
    1,
    MOST_TOOK_MS,
  );
  private readonly everybody = new Map<string, Reused<Everybody>>();

  constructor(
    private readonly clickhouse: ClickHouseClient,
    private readonly book: RuleBook,
    private readonly awards: AwardLog,
    private readonly figuresVersion: () => Promise<string>,
  ) {}

  /** Of each rule in force. */
  async standings(): Promise<readonly TitleStandings[]> {
    return (await this.standingsByRules.get(this.book.offset)).answer;
  }

  /**
   * In the order of the given standings: the company, their team (none for whoever is in none), or each model family they
   * used.
   */
  async standingsOf(userId: string, titles: readonly TitleStandings[]): Promise<readonly (readonly OwnStanding[])[]> {
    const asked = titles.map(({ rule, named: { window } }) => ({ rule, window }));
    const facts = await factsOfTitles(this.clickhouse, [userId], asked);
    return Promise.all(
      titles.map(async ({ rule, named }) => {
        const everybody = await this.everybodyOf(rule, named.window);
        const people = countedPeople(rule, facts.get(rule) ?? []);
        const own = [...factsByScope(rule, { ...everybody, people })].flatMap(([scope, ofScope]) =>
          measure(rule.metric, ofScope).map((measured) => ({ scope, own: measured })),
        );
        return own.length === 0 && rule.scope === 'company' ? [{ scope: 'company', own: undefined }] : own;
      }),
    );
  }

  private everybodyOf(rule: TitleRule, window: Window): Promise<Everybody> {
    const key = everybodyKey(rule, window);
    const known = this.everybody.get(key) ?? new Reused(() => everybodyFacts(this.clickhouse, rule, window));
    // A day later all windows are others.
    if (this.everybody.size >= WINDOWS_KEPT && !this.everybody.has(key)) this.everybody.clear();
    this.everybody.set(key, known);
    return known.get();
  }

  /** What standings rest on: the rules, the day, who holds what, and the figures. */
  private async basis(offset: number): Promise<string> {
    const nowMs = Date.now();
    const rules = this.rulesInForce(nowMs).map(({ id }) => id);
    const held = rules.map((id) => this.awards.holdersOf(id).map(({ award_id: award }) => award));
    return JSON.stringify([offset, dayOf(nowMs), rules, held, await this.figuresVersion()]);
  }

  private readonly rulesInForce = (nowMs: number): readonly TitleRule[] =>
    this.book.rules.filter((rule) => isInForce(rule, nowMs));

  /** One after the other: of many people each takes all cores for seconds, and at once each would take as long as all of them. */
  private async readStandings(): Promise<readonly TitleStandings[]> {
    const nowMs = Date.now();
    const read: TitleStandings[] = [];
    for (const rule of this.rulesInForce(nowMs)) {
      const named = namedWindow(rule.window, nowMs);
      const holders = this.awards.holdersOf(rule.id).map(({ user_id }) => user_id);
      const standings = await titleStandings(this.clickhouse, rule, named.window, holders, STANDINGS);
      read.push({ rule, named, standings });
    }
    return read;
  }
}
