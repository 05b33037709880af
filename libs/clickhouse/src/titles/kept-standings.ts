import type { ClickHouseClient } from '@clickhouse/client';
import {
  asksBefore,
  asksEverybody,
  cacheShareOf,
  compareStandings,
  countedPeople,
  rank,
  standingsNeeded,
  type PersonFacts,
  type Scope,
  type Standing,
  type TitleRule,
  type WindowFacts,
} from '@laurel/titles';
import type { Window } from '@laurel/usage';
import type { ClickHouseConnection } from '../client.js';
import { readFiguresBasis, type FiguresBasis } from '../figures-version.js';
import { hiddenAmong } from '../people.js';
import { changedPeople, type ChangedPeople } from './changed-people.js';
import { CopiedPeople } from './copied-people.js';
import { everybodyFacts, factsOfTitles, type EverybodyFacts } from './facts.js';
import { firstDayNeeded } from './past.js';
import {
  measureIn,
  rankedByValue,
  readCandidates,
  SPARE_CANDIDATES,
  standingsOf,
  titleStandings,
} from './standings.js';

const KEPT = 30;
/** So few are measured here, from what is read of all of them once: a query a title costs more, however few people it looks at. */
const FEW = 100;
/** Of more people it is no cheaper than to measure everybody. */
const MOST_CHANGED = 10_000;
/** What was known so long ago is forgotten, in ms: the rolls of then may be gone, see `changedPeople`. */
const MOST_KNOWN_MS = 5 * 60_000;

/** Of two shares of 12 decimals. */
const ROUNDING = 1e-12;
/** Within this part of each other two values that a query tells, and that are no whole numbers, may be in the other order. */
const UNTOLD = 1e-9;

/** A title, as it is to be judged at one instant. */
export interface AskedTitle {
  readonly rule: TitleRule;
  readonly window: Window;
  /** Present ones, in any scope. */
  readonly holders: readonly string[];
}

export type StandingsByScope = ReadonlyMap<Scope, readonly Standing[]>;

type Place = Pick<Standing, 'userId' | 'value'>;

/** What is known of a title of the company. */
interface Known {
  readonly rule: TitleRule;
  readonly window: Window;
  readonly everybody: EverybodyFacts;
  readonly best: readonly string[];
  /** All others are not before it, in the order of the board, or not eligible; undefined: all others are not eligible. */
  readonly bound: Place | undefined;
}

/** What a decision rests on, see `titleStandings`, of which at least as many are there. */
export interface Told {
  readonly standings: StandingsByScope;
  /** False where a holder is eligible of whom it is not known how many are ahead: their rank is no greater than it is then. */
  readonly areRanksTrue: boolean;
}

/** The people of the copy, by one title. */
interface Some {
  /** Of the eligible, best first: as many as are kept and more, or all. */
  readonly places: readonly Place[];
  /** Of so many of the best the standings can be had. */
  readonly told: number;
  /** The eligible first, best first. */
  readonly standingsOf: (isTold: (userId: string) => boolean) => Promise<readonly Standing[]>;
}

interface Judged extends Told {
  readonly known?: Known;
}

/** What is known of titles by the figures of one look. */
interface Look {
  readonly basis: FiguresBasis;
  readonly atMs: number;
  readonly titles: ReadonlyMap<string, Known>;
}

/**
 * The standings of titles from tick to tick, without measuring everybody at each. Of a title of the company the best are known, and a
 * place that nobody else was before. Whoever is before it now has other rows than they had, which the rolls tell, see `changedPeople`:
 * so these people are measured anew, and the best, and a tick costs what has changed.
 *
 * Everybody is measured where it can't be told so: at first, with each new day of a window, when an hour or a day is closed, when
 * somebody’s choice changes, or too few of the best are left. In titles of teams and model families that is always so.
 */
export class KeptStandings {
  private last: Look | undefined;
  private copied: CopiedPeople | undefined;

  /**
   * @param connection of the client.
   * @param kept so many of the best are measured at each look; all others have not been ahead of the next one.
   * @param few of up to so many people the figures are read instead of selecting the best.
   */
  constructor(
    private readonly client: ClickHouseClient,
    private readonly connection: ClickHouseConnection,
    private readonly kept = KEPT,
    private readonly few = FEW,
  ) {}

  /**
   * What decisions on these titles rest on, in their order. By figures that are as new as this call, or newer.
   *
   * Whoever does not go on to the end measures everybody the next time.
   */
  async *of<T extends AskedTitle>(asked: readonly T[]): AsyncGenerator<readonly [T, Told], void, undefined> {
    let isWhole = false;
    try {
      yield* this.judged(asked);
      isWhole = true;
    } finally {
      // Whatever has failed may have been the copy.
      if (!isWhole) await this.close().catch(() => undefined);
    }
  }

  private async *judged<T extends AskedTitle>(asked: readonly T[]): AsyncGenerator<readonly [T, Told]> {
    const atMs = performance.now();
    const basis = await readFiguresBasis(this.client);
    const { last } = this;
    this.last = undefined;
    const changed =
      last === undefined || atMs - last.atMs > MOST_KNOWN_MS
        ? undefined
        : await changedPeople(this.client, last.basis, basis);
    const known = new Map<T, Known>();
    let facts: ReadonlyMap<TitleRule, readonly PersonFacts[]> = new Map();
    if (last !== undefined && changed !== undefined && changed.users.size <= MOST_CHANGED) {
      for (const title of asked) {
        const own = last.titles.get(title.rule.id);
        if (own !== undefined && isGood(own, title, changed)) known.set(title, own);
      }
      facts = await this.copy(known, changed.users);
    }
    const titles = new Map<string, Known>();
    for (const title of asked) {
      const own = known.get(title);
      const judged = (own && (await this.ofSome(own, title, facts.get(title.rule)))) ?? (await this.ofEverybody(title));
      if (judged.known !== undefined) titles.set(title.rule.id, judged.known);
      yield [title, judged];
    }
    this.last = { basis, atMs, titles };
  }

  async close(): Promise<void> {
    await this.copied?.drop();
    this.copied = undefined;
  }

  /** Copies all who may be ahead. @returns what titles need to know of them, where they are few. */
  private async copy(
    known: ReadonlyMap<AskedTitle, Known>,
    changed: Iterable<string>,
  ): Promise<ReadonlyMap<TitleRule, readonly PersonFacts[]>> {
    if (known.size === 0) return new Map();
    this.copied ??= await CopiedPeople.create(this.client, this.connection);
    const people = new Set(changed);
    for (const [{ holders }, { best }] of known) for (const userId of [...best, ...holders]) people.add(userId);
    const rules = [...known.keys()].map(({ rule }) => rule);
    const firstMs = Math.min(...[...known.keys()].map(({ window }) => window.endMs - 1));
    await this.copied.take([...people], firstDayNeeded(rules, firstMs));
    if (people.size > this.few) return new Map();
    const { client } = this.copied;
    const hidden = await hiddenAmong(client, [...people]);
    const shown = [...people].filter((userId) => !hidden.has(userId));
    const facts = await factsOfTitles(client, shown, [...known.keys()]);
    // Nothing counts that was read of a copy that has gone meanwhile.
    return (await this.copied.isWhole()) ? facts : new Map();
  }

  private async ofEverybody({ rule, window, holders }: AskedTitle): Promise<Judged> {
    if (rule.scope !== 'company') {
      return { standings: await titleStandings(this.client, rule, window, holders), areRanksTrue: true };
    }
    const everybody = await everybodyFacts(this.client, rule, window);
    const standings = await titleStandings(this.client, rule, window, holders, this.kept, everybody);
    const eligible = (standings.get('company') ?? []).filter((one) => one.eligible);
    return { standings, areRanksTrue: true, known: { rule, window, everybody, ...this.bounded(eligible, undefined) } };
  }

  /**
   * By the copy; undefined where that does not tell enough.
   *
   * @param facts of everybody in it, where that is known.
   */
  private async ofSome(
    known: Known,
    { rule, window, holders }: AskedTitle,
    facts: readonly PersonFacts[] | undefined,
  ): Promise<Judged | undefined> {
    const { copied } = this;
    if (copied === undefined) return undefined;
    const everybody = asksEverybody(rule.metric.kind)
      ? await everybodyFacts(this.client, rule, window)
      : known.everybody;
    // Everybody’s share is drawn toward the company’s, and has moved by the whole of its change at the most.
    const shareBefore = cacheShareOf(known.everybody.company);
    const moved = Math.abs(cacheShareOf(everybody.company) - shareBefore);
    // Until then nobody had a value without reads of their own.
    if (shareBefore === 0 && moved > 0) return undefined;
    const last =
      known.bound === undefined || moved === 0
        ? known.bound
        : { userId: '', value: known.bound.value + moved + ROUNDING };
    const some: Some =
      facts === undefined
        ? await this.selected(copied.client, { rule, window, holders }, everybody)
        : measured(rule, { ...everybody, people: countedPeople(rule, facts) });
    const { best, bound } = this.bounded(some.places, last);
    const needed = standingsNeeded(rule);
    if (bound !== undefined && best.length < needed) return undefined;
    const first = new Set(best.slice(0, some.told));
    const standings = await some.standingsOf((userId) => first.has(userId) || holders.includes(userId));
    const told = rankedByValue(standings);
    const eligible = told.filter((one) => one.eligible).length;
    if (eligible < Math.min(needed, best.length)) return undefined;
    if (facts === undefined && !(await copied.isWhole())) return undefined;
    // Of those who are ahead of a holder further behind not everybody is counted.
    const areRanksTrue = told.every(({ userId, eligible: is }) => !is || first.has(userId));
    return {
      standings: told.length === 0 ? new Map() : new Map([['company', told]]),
      areRanksTrue,
      known: { rule, window, everybody, best, bound },
    };
  }

  /** By a query, and figures of those alone on whom a decision rests: the others of the best are only kept. */
  private async selected(
    copy: ClickHouseClient,
    { rule, window, holders }: AskedTitle,
    everybody: EverybodyFacts,
  ): Promise<Some> {
    const candidates = await readCandidates(copy, rule, window, holders, this.kept + SPARE_CANDIDATES, everybody);
    return {
      places: candidates.map(({ user_id: userId, amount: value }) => ({ userId, value })),
      told: standingsNeeded(rule) + SPARE_CANDIDATES,
      standingsOf: async (isTold) => {
        const named = candidates.filter((one) => isTold(one.user_id));
        return (await standingsOf(copy, rule, window, holders, named, everybody)).get('company') ?? [];
      },
    };
  }

  /**
   * The best, and a place that they alone are before.
   *
   * @param eligible all who are before `bound`, best first, and others perhaps; all, where it is undefined and they are not more than are
   *   kept.
   */
  private bounded(eligible: readonly Place[], bound: Place | undefined): Pick<Known, 'best' | 'bound'> {
    const next = eligible[this.kept];
    const nearer = next !== undefined && (bound === undefined || isBefore(next, bound)) ? next : bound;
    const best = eligible.filter((one) => nearer === undefined || isBefore(one, nearer));
    return { best: best.map(({ userId }) => userId), bound: nearer };
  }
}

function measured(rule: TitleRule, facts: WindowFacts): Some {
  const standings = rank(rule.eligibility, measureIn(rule, facts, 'company'));
  return {
    places: standings.filter((one) => one.eligible),
    told: Infinity,
    standingsOf: (isTold) => Promise.resolve(standings.filter(({ userId }) => isTold(userId))),
  };
}

/** Whether somebody is certainly before a place. */
const isBefore = (one: Place, place: Place): boolean =>
  Number.isSafeInteger(one.value) && Number.isSafeInteger(place.value)
    ? compareStandings(one, place) < 0
    : one.value - place.value > UNTOLD * Math.max(1, Math.abs(place.value));

/** Whether only the people who have changed can be others than those who were known. */
const isGood = (known: Known, { rule, window }: AskedTitle, { sinceMs }: ChangedPeople): boolean =>
  known.rule === rule &&
  known.window.firstDay === window.firstDay &&
  known.window.lastDay === window.lastDay &&
  // Days before the window say what everybody is compared with.
  !(asksBefore(rule.metric.kind) && sinceMs < window.startMs);
