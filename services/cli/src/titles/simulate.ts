import { flaggedUsage, Past, type ClickHouseClient, type ClickHouseConnection } from '@laurel/clickhouse';
import type { AwardEvent, AwardReason } from '@laurel/events';
import { personJson, shownValue, type PeopleDirectory } from '@laurel/policy';
import { isAboutTier, simulate, unitOf, type TitleRule } from '@laurel/titles';
import { dayKey, dayOf, windowOf, type Day } from '@laurel/usage';
import { TierTally, type SimulatedTier } from './tier-tally.js';

const HOUR_MS = 3_600_000;

/** When and how often the rules would have been evaluated. */
export interface Period {
  /** Whole hours, ms since the epoch; both are evaluated. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly everyHours: number;
}

/** Somebody would have held a title for a while. All null of whoever is hidden by now. */
export interface Holding {
  readonly user_id: string | null;
  readonly handle: string | null;
  readonly name: string | null;
  readonly from: string;
  /** null: to the end. */
  readonly until: string | null;
  readonly awarded: AwardReason;
  readonly lost: AwardReason | null;
  /** As of the award, as exactly as the person lets it be seen. */
  readonly value: number | null;
  readonly unit: string;
}

/** What signals of fair play take out of a title. */
export interface LeftOut {
  readonly person_days: number;
  readonly people: number;
  /** All counted ones of these days, of whatever model; decimal digits. */
  readonly tokens: string;
  /** Days of people, by signal. */
  readonly by_signal: Readonly<Record<string, number>>;
}

export interface SimulatedTitle {
  readonly title_id: string;
  readonly name: string;
  readonly scope: string;
  /** How often it went from one person to another. */
  readonly changes: number;
  /** How many different people held it. */
  readonly people: number;
  /**
   * Of all counted tokens of the period the part that these people used, at any time in it; null where it would tell a figure
   * that one of them does not show.
   */
  readonly share_of_tokens: number | null;
  /** What the rule leaves out for fair play of the days that it looked at; null where it leaves nothing out. */
  readonly left_out: LeftOut | null;
  readonly holdings: readonly Holding[];
  /** The lowest first; [] without tiers. */
  readonly tiers: readonly SimulatedTier[];
}

export interface Simulation {
  readonly from: string;
  readonly to: string;
  readonly evaluations: number;
  readonly titles: readonly SimulatedTitle[];
}

export interface SimulateWorld {
  readonly clickhouse: ClickHouseClient;
  readonly connection: ClickHouseConnection;
  readonly people: PeopleDirectory;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

/** Who would have held which title and when, had these rules been in force, and nobody held a title before. */
export async function simulateTitles(
  { clickhouse, connection, people, signal, onProgress }: SimulateWorld,
  rules: readonly TitleRule[],
  { fromMs, toMs, everyHours }: Period,
): Promise<Simulation> {
  const instants: number[] = [];
  for (let at = fromMs; at <= toMs; at += everyHours * HOUR_MS) instants.push(at);
  onProgress('copying the figures of these days …');
  const onPeople = (people: number): void => onProgress(`the hours of ${people} people …`);
  const past = await Past.open(clickhouse, connection, { rules, instants }, onPeople, signal);
  try {
    const awards: AwardEvent[] = [];
    const tally = new TierTally();
    for await (const { awards: ofDay, next } of simulate(rules, past, instants)) {
      signal.throwIfAborted();
      for (const award of ofDay) tally.take(award);
      awards.push(...ofDay.filter((award) => !isAboutTier(award)));
      onProgress(`${dayKey(dayOf(instants[next - 1] ?? fromMs))}: ${next} of ${instants.length} evaluations`);
    }
    await past.goTo(toMs);
    const titles: SimulatedTitle[] = [];
    for (const rule of rules) {
      const leftOut = await leftOutOf(clickhouse, rule, fromMs, toMs);
      const own = awards.filter((award) => award.title_id === rule.id);
      const awarded = [...own.map(({ scope }) => scope), ...tally.scopes(rule.id)];
      const scopes = rule.scope === 'company' ? ['company'] : [...new Set(awarded)].sort();
      for (const scope of scopes) {
        const holdings = holdingsOf(own.filter((award) => award.scope === scope));
        const users = [...new Set(holdings.map(({ award }) => award.user_id))];
        const isExact = users.every((userId) => personJson(people, userId)?.figures === 'exact');
        titles.push({
          title_id: rule.id,
          name: rule.name,
          scope,
          changes: holdings.filter(
            ({ award }) => award.previous_holder !== null && award.previous_holder !== award.user_id,
          ).length,
          people: users.length,
          share_of_tokens: isExact ? await past.shareOfTokens(users, dayOf(fromMs), dayOf(toMs)) : null,
          left_out: leftOut,
          holdings: holdings.map((holding) => shownHolding(holding, rule, people)),
          tiers: tally.of(rule.id, scope),
        });
      }
    }
    return { from: time(fromMs), to: time(toMs), evaluations: instants.length, titles };
  } finally {
    await past.close();
  }
}

async function leftOutOf(
  clickhouse: ClickHouseClient,
  { fair_play: fairPlay, window }: TitleRule,
  fromMs: number,
  toMs: number,
): Promise<LeftOut | null> {
  if (fairPlay === undefined) return null;
  const { firstDay } = windowOf(window, fromMs);
  const found = await flaggedUsage(clickhouse, fairPlay.exclude, firstDay, (dayOf(toMs) - 1) as Day);
  return {
    person_days: found.personDays,
    people: found.people,
    tokens: String(found.tokens),
    by_signal: { ...found.bySignal },
  };
}

interface HeldAward {
  readonly award: AwardEvent;
  readonly end: AwardEvent | undefined;
}

function holdingsOf(awards: readonly AwardEvent[]): readonly HeldAward[] {
  const ends = new Map(awards.flatMap((award) => (award.revokes === null ? [] : [[award.revokes, award] as const])));
  return awards
    .filter(({ type }) => type === 'title_awarded')
    .map((award) => ({ award, end: ends.get(award.award_id) }));
}

function shownHolding({ award, end }: HeldAward, rule: TitleRule, people: PeopleDirectory): Holding {
  const person = personJson(people, award.user_id);
  return {
    user_id: person?.user_id ?? null,
    handle: person?.handle ?? null,
    name: person?.name ?? null,
    from: time(award.evaluated_at),
    until: end === undefined ? null : time(end.evaluated_at),
    awarded: award.reason,
    lost: end?.reason ?? null,
    value: person === undefined ? null : shownValue(person.figures, award.unit, award.value),
    unit: unitOf(rule.metric),
  };
}

const time = (ms: number): string => new Date(ms).toISOString();
