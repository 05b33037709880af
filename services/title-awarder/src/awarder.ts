import { setTimeout as sleep } from 'node:timers/promises';
import {
  Erasures,
  hiddenAmong,
  inParts,
  PEOPLE_AT_ONCE,
  readFiguresVersion,
  tierFigures,
  TierReader,
  titleMeasurement,
  titleStandings,
  KeptStandings,
  type AskedTitle,
  type ClickHouseClient,
  type ClickHouseConnection,
  type StandingsByScope,
  type TierCandidate,
} from '@laurel/clickhouse';
import { awardEvent, titleHolders, titleRules, topics, type AwardEvent } from '@laurel/events';
import { FencedWriter, readToEnd, TopicFollower, type Kafka, type OutgoingRecord } from '@laurel/kafka';
import { keepTrying, type RetryPolicy } from '@laurel/stream';
import {
  AwardFold,
  boardsOf,
  correctedHolders,
  decide,
  decideTiers,
  dwellsUntilMs,
  evolve,
  hasTiers,
  holdersAmong,
  holdersOf,
  isInForce,
  retire,
  retireTiers,
  retiring,
  RuleBook,
  statesUnder,
  tiersEnd,
  titleKey,
  type Board,
  type Scope,
  type TieredRule,
  type TitleRule,
  type TitleState,
} from '@laurel/titles';
import { dayOf, windowOf, type Window } from '@laurel/usage';
import { transactionsOf, tierRecords } from './tier-records.js';

export interface AwarderOptions {
  readonly topicPrefix: string;
  /** So often it is looked whether to evaluate, in ms: windows slide on without any event. */
  readonly tickMs: number;
  /** At the least, the time between two evaluations, in ms. */
  readonly minIntervalMs: number;
  /** At the most, the part of the time that evaluations take, as far as a tick is long enough for the rest. Default 0.5. */
  readonly busyShare?: number;
  /** At the most, so many people's tiers are looked at in one evaluation; the others' in the next ones. Default 1000. */
  readonly maxTierChanges?: number;
  /** The time of day, ms since the epoch; default the machine's. */
  readonly now?: () => number;
}

export interface AwarderEvents {
  onAwards(events: readonly AwardEvent[]): void;
  /** @param seconds how long it took. */
  onTick(tick: Tick, seconds: number): void;
}

/** What came of one: nothing is judged anew by what it was judged by already, nor where another instance does. */
export type Tick = 'evaluated' | 'unchanged' | 'left_out';

/** What this instance knows while it alone may write. */
interface Reign {
  readonly writer: FencedWriter;
  readonly fold: AwardFold;
  readonly standings: KeptStandings;
  readonly tierReader: TierReader;
  /** What the last evaluation rested on; undefined before the first, and after one that left something for the next. */
  basis?: Basis | undefined;
  /** Transactions of the present evaluation. */
  commits: number;
}

interface Basis {
  /** Another one as soon as anything can be judged otherwise. */
  readonly text: string;
  /** By a clock that is never set, in ms. */
  readonly atMs: number;
}

/** A title in force, and whoever holds it. */
interface HeldTitle extends AskedTitle {
  readonly held: readonly TitleState[];
}

interface Decided {
  readonly state: TitleState;
  readonly awards: readonly AwardEvent[];
  /** False where it is left for the next tick. */
  readonly isWhole: boolean;
}

/** Titles are evaluated anew after so long, in ms, even where nothing is known to have changed. */
const MOST_UNCHANGED_MS = 60_000;

const MAX_TIER_CHANGES = 1000;

/**
 * Awards titles as events. Their fold is the only state: nothing is remembered that could differ from it. The rules are the
 * last that were published, followed as they change.
 *
 * One instance at a time is active, the owner of `usage.projected.v1`. It fences every other writer, then folds the whole
 * of `titles.awards.v1`, then decides and writes in transactions. In this order nobody can write between its fold and its
 * decision; and on any error of a transaction, which may or may not have been committed, it fences and folds again.
 */
export class Awarder {
  private readonly stopped = new AbortController();
  private wake = new AbortController();
  private active = false;
  private reign: Reign | undefined;
  private loop: Promise<void> | undefined;
  private waiting: (() => void)[] = [];
  private readonly erasures: Erasures;
  private readonly book = new RuleBook();
  private readonly rulesFollower: TopicFollower;

  constructor(
    private readonly kafka: Kafka,
    private readonly clickhouse: ClickHouseClient,
    private readonly connection: ClickHouseConnection,
    private readonly policy: RetryPolicy,
    private readonly options: AwarderOptions,
    private readonly events: AwarderEvents,
    private readonly onFatal: (error: unknown) => void,
  ) {
    this.erasures = new Erasures(clickhouse);
    this.rulesFollower = new TopicFollower(kafka, {
      topic: topics.titleRules,
      topicPrefix: options.topicPrefix,
      reader: 'laurel-title-awarder-rules',
      policy,
      onRecord: this.takeRules,
      onFatal,
    });
  }

  start(): void {
    this.loop = Promise.all([this.rulesFollower.start(), this.run()])
      .then(() => undefined)
      .catch((error: unknown) => {
        if (!this.stopped.signal.aborted) this.onFatal(error);
      });
  }

  /** Called by Nest before it waits for batches in hand: nothing more is judged, and whoever waits for it waits no more. */
  onModuleDestroy(): void {
    this.stopped.abort();
    this.wake.abort();
  }

  async stop(): Promise<void> {
    this.onModuleDestroy();
    await this.rulesFollower.stop();
    await this.loop;
    await this.endReign();
  }

  private readonly takeRules = ({ offset, value }: { offset: number; value: Uint8Array | null }): void => {
    if (value === null) throw new Error(`${topics.titleRules.name}/0/${offset} is empty`);
    this.book.add(offset, titleRules.decode(value));
    this.wake.abort();
  };

  /** Active: this instance owns the one partition of `usage.projected.v1`. */
  onAssigned(isActive: boolean): void {
    this.active = isActive;
    this.wake.abort();
  }

  /** True when an evaluation that began after this call has ended; false when the signal aborts or the awarder stops before. */
  evaluated(signal: AbortSignal): Promise<boolean> {
    const { signal: stopped } = this.stopped;
    if (signal.aborted || stopped.aborted) return Promise.resolve(false);
    const done = new Promise<boolean>((resolve) => {
      // A signal lasts for as long as an assignment, so what listens to it is taken away again.
      const settle = (isEvaluated: boolean): void => {
        for (const one of [signal, stopped]) one.removeEventListener('abort', giveUp);
        resolve(isEvaluated);
      };
      const giveUp = (): void => {
        settle(false);
      };
      this.waiting.push(() => {
        settle(true);
      });
      for (const one of [signal, stopped]) one.addEventListener('abort', giveUp);
    });
    this.wake.abort();
    return done;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped;
    let tookMs = 0;
    while (!signal.aborted) {
      this.wake = new AbortController();
      if (this.active) {
        const waiting = this.waiting.splice(0);
        tookMs = await this.evaluate(waiting.length > 0);
        for (const resolve of waiting) resolve();
      } else {
        tookMs = 0;
        await this.endReign();
      }
      // An evaluation that takes long leaves as much time to others; one that waited for an outage to end, no more than a tick.
      const { minIntervalMs, tickMs, busyShare = 0.5 } = this.options;
      const least = Math.max(minIntervalMs, Math.min(tookMs * (1 / busyShare - 1), tickMs));
      await sleep(least, undefined, { signal });
      const rest = Math.max(0, tickMs - least);
      if (this.waiting.length === 0) {
        await sleep(rest, undefined, { signal: this.wake.signal }).catch(() => undefined);
      }
    }
  }

  /**
   * One tick: all titles as of one instant. Returns how long it took, in ms.
   *
   * @param isAsked evaluates whether or not anything is known to have changed.
   */
  private async evaluate(isAsked: boolean): Promise<number> {
    const began = performance.now();
    const { now = Date.now } = this.options;
    const attempt = (): Promise<Tick> => this.evaluateIfChanged(now(), isAsked);
    const tick = await keepTrying('award', attempt, this.policy, this.stopped.signal);
    const tookMs = performance.now() - began;
    this.events.onTick(tick, tookMs / 1000);
    return tookMs;
  }

  /** To judge the same by the same changes nothing, and costs as much as the first time. */
  private async evaluateIfChanged(nowMs: number, isAsked: boolean): Promise<Tick> {
    // The partition may be lost while an outage is waited out: to claim anew would then fence the rightful writer.
    if (!this.active) return 'left_out';
    const reign = (this.reign ??= await this.beginReign());
    // Before any figure is read: what changes from now on is another basis.
    const basis = { text: await this.basisText(reign, nowMs), atMs: performance.now() };
    const { basis: last } = reign;
    if (!isAsked && last?.text === basis.text && basis.atMs - last.atMs < MOST_UNCHANGED_MS) return 'unchanged';
    reign.basis = undefined;
    reign.commits = 0;
    const isWhole = await this.evaluateOnce(reign, nowMs);
    // What was decided may lead to something else, by the same figures.
    if (isWhole && reign.commits === 0) reign.basis = basis;
    return 'evaluated';
  }

  /** The figures, the rules, and what time alone brings about: another window, a rule that begins or ends, a dwell that is over. */
  private async basisText({ fold }: Reign, nowMs: number): Promise<string> {
    const { rules, offset } = this.book;
    const inForce = rules.filter((rule) => isInForce(rule, nowMs));
    const dwelt = inForce.flatMap((rule) =>
      statesUnder(rule, fold.states.values())
        .flatMap(({ holders }) => holders)
        .filter((award) => nowMs >= dwellsUntilMs(rule, award))
        .map(({ award_id: id }) => id),
    );
    const figures = await readFiguresVersion(this.clickhouse);
    return JSON.stringify([figures, dayOf(nowMs), offset, inForce.map(({ id }) => id), dwelt]);
  }

  /** False where it leaves something for the next one. */
  private async evaluateOnce(reign: Reign, nowMs: number): Promise<boolean> {
    let isWhole = true;
    // One set of rules for the whole tick.
    const { rules } = this.book;
    const { states, tiers } = reign.fold;
    let left = this.options.maxTierChanges ?? MAX_TIER_CHANGES;
    const asked = rules
      .filter((one) => isInForce(one, nowMs))
      .map((rule) => {
        const held = statesUnder(rule, states.values());
        return { rule, window: windowOf(rule.window, nowMs), held, holders: holdersAmong(held) };
      });
    for await (const [title, told] of reign.standings.of(asked)) {
      this.stopped.signal.throwIfAborted();
      const { rule, window, holders } = title;
      let decided = await this.decide(title, told.standings, nowMs);
      if (!told.areRanksTrue && decided.some(({ awards }) => awards.length > 0)) {
        decided = await this.decide(title, await titleStandings(this.clickhouse, rule, window, holders), nowMs);
      }
      for (const { state, awards } of decided) await this.write(reign, state, awards);
      isWhole &&= decided.every((one) => one.isWhole);
      if (!hasTiers(rule)) continue;
      const candidates = await reign.tierReader.candidates(this.clickhouse, rule, window, tiers);
      await this.judgeTiers(reign, rule, window, candidates.slice(0, left), nowMs);
      left -= Math.min(left, candidates.length);
    }
    this.stopped.signal.throwIfAborted();
    for (const { state, reason } of retiring(rules, states.values(), nowMs)) {
      const isWithheld = await this.withheldAmong(holdersAmong([state]));
      await this.write(reign, state, retire(state, nowMs, reason, isWithheld));
    }
    await this.retireTiers(reign, rules, nowMs, left);
    return isWhole && left > 0;
  }

  /** What changes hands, in each scope of a title, before anything is written. */
  private async decide(
    { rule, window, held, holders }: HeldTitle,
    byScope: StandingsByScope,
    nowMs: number,
  ): Promise<readonly Decided[]> {
    const boards: (Board & { readonly corrected: ReadonlySet<string> })[] = [];
    for (const board of boardsOf(rule, held, byScope)) {
      boards.push({ ...board, corrected: await this.correctedHolders(rule, board) });
    }
    // Only now: whoever is missing from these figures for an erasure was on the list before.
    await this.erasures.refresh();
    const named = boards.flatMap(({ standings }) => standings.map(({ userId }) => userId));
    const hidden = await hiddenAmong(this.clickhouse, [...holders, ...named]);
    // Whoever hides is to the titles as if erased: they hold nothing, and no event names them.
    const isWithheld = (userId: string): boolean => this.erasures.has(userId) || hidden.has(userId);
    return boards.map(({ state, standings, corrected }) => {
      // Who hid while the standings were read is still counted in others' ranks there. Not at the next tick.
      if (standings.some(({ userId, eligible }) => eligible && hidden.has(userId))) {
        return { state, awards: [], isWhole: false };
      }
      const evaluation = { rule, standings, window, evaluatedAtMs: nowMs, corrected, isWithheld };
      return { state, awards: decide(evaluation, state), isWhole: true };
    });
  }

  /** Whoever hides is to the titles as if erased: they hold nothing, and no event names them. */
  private async withheldAmong(users: readonly string[]): Promise<(userId: string) => boolean> {
    // Only after figures were read: whoever is missing from them for an erasure was on the list before.
    await this.erasures.refresh();
    const hidden = await hiddenAmong(this.clickhouse, users);
    return (userId) => this.erasures.has(userId) || hidden.has(userId);
  }

  private async judgeTiers(
    reign: Reign,
    rule: TieredRule,
    window: Window,
    candidates: readonly TierCandidate[],
    nowMs: number,
  ): Promise<void> {
    for (const some of inParts(candidates, PEOPLE_AT_ONCE)) {
      const figures = await tierFigures(this.clickhouse, rule, window, some);
      const isWithheld = await this.withheldAmong(some.map(({ userId }) => userId));
      for (const own of figures) {
        const evaluation = { rule, ...own, window, evaluatedAtMs: nowMs, isWithheld };
        await this.writeTiers(reign, decideTiers(evaluation, reign.fold.tierState(rule.id, own.scope)));
      }
    }
  }

  /** Takes away, of `most` people at the most, the tiers by which no rule stands any more. */
  private async retireTiers(reign: Reign, rules: readonly TitleRule[], nowMs: number, most: number): Promise<void> {
    const { fold } = reign;
    let left = most;
    for (const { titleId, scope } of [...fold.tiers.scopes()]) {
      const reason = tiersEnd(rules, { titleId, scope }, nowMs);
      if (reason === undefined || left === 0) continue;
      const held = [...fold.tiers.of(titleId)].filter((one) => one.scope === scope).slice(0, left);
      left -= held.length;
      for (const some of inParts(held, PEOPLE_AT_ONCE)) {
        const isWithheld = await this.withheldAmong(some.map(({ userId }) => userId));
        const { ordinal } = fold.state(titleId, scope);
        await this.writeTiers(reign, retireTiers(some, ordinal, nowMs, reason, isWithheld));
      }
    }
  }

  private correctedHolders(rule: TitleRule, board: Board): Promise<ReadonlySet<string>> {
    return correctedHolders(rule, board, async (userId, window) => {
      const scope = board.state.scope as Scope;
      return (await titleMeasurement(this.clickhouse, rule, userId, window, scope))?.value ?? 0;
    });
  }

  /** The awards and the new holders, in one transaction. */
  private async write(reign: Reign, state: TitleState, awards: readonly AwardEvent[]): Promise<void> {
    if (awards.length === 0) return;
    const after = awards.reduce(evolve, state);
    const key = titleKey(after);
    const holders = holdersOf(after);
    const holdersRecord: OutgoingRecord = { key, value: holders === null ? null : titleHolders.encode(holders) };
    await this.commit(reign, awards, {
      [topics.titleAwards.name]: awards.map((award) => ({ key, value: awardEvent.encode(award) })),
      [topics.titleHolders.name]: [holdersRecord],
    });
  }

  /** Each person's award with their new tier, in one transaction; not all people's in one, as there may be many. */
  private async writeTiers(reign: Reign, awards: readonly AwardEvent[]): Promise<void> {
    for (const batch of transactionsOf(awards)) {
      this.stopped.signal.throwIfAborted();
      await this.commit(reign, batch, tierRecords(batch, reign.fold.tiers));
    }
  }

  private async commit(
    reign: Reign,
    awards: readonly AwardEvent[],
    records: Readonly<Record<string, readonly OutgoingRecord[]>>,
  ): Promise<void> {
    try {
      await reign.writer.write(records);
    } catch (error) {
      await this.endReign();
      throw new AwardNotWritten(error);
    }
    reign.commits += 1;
    for (const award of awards) reign.fold.take(award);
    this.events.onAwards(awards);
  }

  private async beginReign(): Promise<Reign> {
    const { topicPrefix } = this.options;
    const writer = await FencedWriter.claim(this.kafka, `${topicPrefix}laurel-title-awarder`, topicPrefix);
    try {
      const fold = new AwardFold();
      await readToEnd(this.kafka, {
        topic: topicPrefix + topics.titleAwards.name,
        groupPrefix: `${topicPrefix}laurel-title-awarder-fold-`,
        onRecord: ({ value }) => {
          if (value !== null) fold.take(awardEvent.decode(value));
        },
      });
      // At least the rules that any earlier writer followed: the one that is followed beside may lag.
      await readToEnd(this.kafka, {
        topic: topicPrefix + topics.titleRules.name,
        groupPrefix: `${topicPrefix}laurel-title-awarder-rules-`,
        onRecord: this.takeRules,
      });
      const standings = new KeptStandings(this.clickhouse, this.connection);
      return { writer, fold, standings, tierReader: new TierReader(), commits: 0 };
    } catch (error) {
      await writer.close();
      throw error;
    }
  }

  private async endReign(): Promise<void> {
    const { reign } = this;
    this.reign = undefined;
    // A writer that failed may fail at closing too; it has nothing left to lose.
    await reign?.writer.close().catch(() => undefined);
    await reign?.standings.close().catch(() => undefined);
  }
}

/** A transaction failed: it may have been committed or not, so everything is folded again. Always worth a repeat. */
export class AwardNotWritten extends Error {
  readonly code = 'award_not_written';
  readonly retryable = true;

  constructor(cause: unknown) {
    super('the awards were not written, or not known to be', { cause });
    this.name = 'AwardNotWritten';
  }
}
