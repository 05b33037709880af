import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  computeSignals,
  Past,
  readClosures,
  recordErasure,
  rollIdOf,
  staleSignals,
  userHashOf,
  writeChoices,
} from '@laurel/clickhouse';
import { Roller, TestDatabase } from '@laurel/clickhouse/fixture';
import {
  awardEvent,
  noTokens,
  titleRules,
  titleTier,
  topics,
  totalTokens,
  type AwardEvent,
  type TitleTier,
  type UsageEvent,
} from '@laurel/events';
import { applyTopics, classifyKafkaFailure, kafkaClient, readToEnd, RecordProducer, type Kafka } from '@laurel/kafka';
import {
  builtInRules,
  publishedRules,
  simulate,
  TierBook,
  tierKey,
  titleRuleSchema,
  titleTierOf,
  type TitleRule,
} from '@laurel/titles';
import { usageEvent } from '@laurel/usage/fixture';
import { Awarder, AwardNotWritten, type AwarderOptions, type Tick } from './awarder.js';

const HOUR_MS = 3_600_000;
const FIRST_MS = Date.UTC(2026, 4, 1, 18);
const HOURS = 32;
const instants = Array.from({ length: HOURS }, (_, hour) => FIRST_MS + (hour + 1) * HOUR_MS);

const FAIR_PLAY: TitleRule['fair_play'] = { exclude: ['same_instant'] };
const MARGIN = { kind: 'relative', by: 0.1 } as const;
const ofTeams = titleRuleSchema.parse({
  id: 'busiest_of_team',
  name: 'Busiest of the team',
  description: 'Most tokens of the team’s people in two days.',
  version: 1,
  metric: { kind: 'capped_tokens' },
  window: '2d',
  scope: 'each_team',
  dwell_hours: 3,
});
/** Of short windows, so that titles change hands when a day goes as well as when usage comes. */
const rules: readonly TitleRule[] = [
  // But for those of outcomes, of which there are none here.
  ...builtInRules
    .filter(({ id }) => id !== 'master_crafter' && id !== 'frugal_sage')
    .map((rule): TitleRule => ({ ...rule, window: '1d', eligibility: ofTeams.eligibility })),
  { ...ofTeams, tiers: { by: 'top_per_mille', levels: { bronze: 700, gold: 200 }, margin: MARGIN } },
  {
    ...ofTeams,
    id: 'for_a_day',
    scope: 'company',
    holders: 2,
    tiers: { by: 'value', levels: { bronze: 1000, silver: 4000, emerald: 12_000 }, margin: MARGIN },
    fair_play: FAIR_PLAY,
    valid_until: '2026-05-02',
  },
];
const mostFair: TitleRule = { ...ofTeams, id: 'most_fair', scope: 'company', dwell_hours: 0, fair_play: FAIR_PLAY };

/** What a small company does, the same in every run: in an hour few are busy, and who is changes. */
const busy: readonly UsageEvent[] = Array.from({ length: HOURS }, (_, hour) =>
  Array.from({ length: 12 }, (_one, person) => {
    const draw = (hour * 31 + person * 17 + ((hour * person) % 7) * 13) % 29;
    if (draw % 3 > 0) return [];
    return [0, 1].map((call) =>
      usageEvent({
        event_id: `e-${hour}-${person}-${call}`,
        user_id: `u-${person}`,
        team: person < 6 ? 'red' : 'blue',
        session_id: `s-${person}`,
        model: ['gpt-5', 'claude-sonnet-4-5', 'gemini-2.5-pro'][(draw + call) % 3] ?? '',
        occurred_at: FIRST_MS + hour * HOUR_MS + ((draw * 2 + call) % 60) * 60_000,
        tokens: { input: 10 + draw * 100, cache_read: (draw % 5) * 300, output: 5 + call },
      }),
    );
  }).flat(),
).flat();

const MIDNIGHT_MS = Date.UTC(2026, 4, 2);
/** Who used the most on the first day. */
const leader = ((): string => {
  const used = new Map<string, number>();
  for (const { user_id: user, occurred_at: at, tokens } of busy) {
    if (at < MIDNIGHT_MS) used.set(user, (used.get(user) ?? 0) + totalTokens(tokens));
  }
  const [first = ['', 0]] = [...used].sort(([, one], [, other]) => other - one);
  return first[0];
})();
/** So many at once that their day stands out, and without tokens, as no other title shall notice. */
const atOnce: readonly UsageEvent[] = Array.from({ length: 30 }, (_, call) =>
  usageEvent({
    event_id: `at-once-${call}`,
    user_id: leader,
    team: 'red',
    session_id: null,
    model: 'gpt-5',
    origin: 'subagent',
    occurred_at: FIRST_MS + 1000,
    tokens: {},
  }),
);
const usage: readonly UsageEvent[] = [...busy, ...atOnce];

describe('the awards of a live run', () => {
  let kafka: Kafka;
  let database: TestDatabase;
  let topicPrefix: string;
  let running: Awarder[];

  beforeEach(async () => {
    const brokers = process.env['LAUREL_TEST_KAFKA_BROKERS'];
    if (brokers === undefined) throw new Error('LAUREL_TEST_KAFKA_BROKERS is not set; see with-stack in deploy/local');
    kafka = kafkaClient({ brokers: brokers.split(','), clientId: 'awarder-test' });
    topicPrefix = `awarder-${randomUUID()}.`;
    const needed = [topics.titleAwards, topics.titleHolders, topics.titleTiers, topics.titleRules];
    await applyTopics(kafka, needed, { prefix: topicPrefix, replicationFactor: 1 });
    database = await TestDatabase.create();
    running = [];
    await publish(rules);
  });
  afterEach(async () => {
    await Promise.all(running.map((awarder) => awarder.stop()));
    await database.drop();
  });

  const publish = async (inForce: readonly TitleRule[]): Promise<void> => {
    const producer = new RecordProducer(kafka, topicPrefix);
    await producer.connect();
    const value = titleRules.encode(publishedRules(inForce, FIRST_MS));
    await producer.send(topics.titleRules.name, [{ key: 'titles', value }]);
    await producer.close();
  };
  const clock = { nowMs: FIRST_MS };
  const begin = (options: Partial<AwarderOptions> = {}, onTick: (tick: Tick) => void = () => undefined): Awarder => {
    const awarder = new Awarder(
      kafka,
      database.client,
      database.connection,
      {
        classify: (error) => (error instanceof AwardNotWritten ? 'retriable' : classifyKafkaFailure(error)),
      },
      { topicPrefix, tickMs: HOUR_MS, minIntervalMs: 1, busyShare: 1, now: () => clock.nowMs, ...options },
      { onAwards: () => undefined, onTick },
      (error) => {
        throw error;
      },
    );
    running.push(awarder);
    awarder.start();
    awarder.onAssigned(true);
    return awarder;
  };
  const written = async (): Promise<readonly AwardEvent[]> => {
    const awards: AwardEvent[] = [];
    await readToEnd(kafka, {
      topic: topicPrefix + topics.titleAwards.name,
      groupPrefix: `${topicPrefix}test-`,
      onRecord: ({ value }) => {
        if (value !== null) awards.push(awardEvent.decode(value));
      },
    });
    return awards;
  };
  /** What subscribers of the present tiers have. */
  const tiersShown = async (): Promise<ReadonlyMap<string, TitleTier>> => {
    const shown = new Map<string, TitleTier>();
    await readToEnd(kafka, {
      topic: topicPrefix + topics.titleTiers.name,
      groupPrefix: `${topicPrefix}test-`,
      onRecord: ({ key, value }) => {
        const person = Buffer.from(key ?? []).toString();
        if (value === null) shown.delete(person);
        else shown.set(person, { ...titleTier.decode(value) });
      },
    });
    return shown;
  };
  const tiersOf = (awards: readonly AwardEvent[]): ReadonlyMap<string, TitleTier> => {
    const book = new TierBook();
    for (const award of awards) book.take(award);
    return new Map(rules.flatMap(({ id }) => [...book.of(id)].map((held) => [tierKey(held), titleTierOf(held)])));
  };
  const byTitle = (awards: readonly AwardEvent[]): Readonly<Record<string, readonly AwardEvent[]>> => {
    const titles: Record<string, AwardEvent[]> = {};
    for (const award of awards) (titles[`${award.title_id}|${award.scope}`] ??= []).push(award);
    return titles;
  };

  /** @param change who evaluates from this hour on. */
  async function live(change: (hour: number, awarder: Awarder) => Promise<Awarder>): Promise<void> {
    const roller = new Roller(database, FIRST_MS / 1000, (instants.at(-1) ?? 0) / 1000);
    await roller.begin();
    const { signal } = new AbortController();
    clock.nowMs = FIRST_MS;
    let awarder = begin();
    for (const [hour, atMs] of instants.entries()) {
      const events = usage.filter(({ occurred_at }) => occurred_at >= atMs - HOUR_MS && occurred_at < atMs);
      awarder = await change(hour, awarder);
      // Before there is usage of this hour: it may evaluate by itself, when it has just begun and hears of the rules.
      clock.nowMs = atMs;
      await roller.take({ events, closeHours: 1, closeDays: true });
      // Here nothing comes late, so that only a day that has just been closed has new signals.
      if (atMs % (24 * HOUR_MS) === 0) await computeStale();
      await awarder.evaluated(signal);
    }
  }
  let attempts = 0;
  /** As usage-projector does, of days that are closed. */
  async function computeStale(): Promise<void> {
    const { day } = await readClosures(database.client);
    for (const part of await staleSignals(database.client, day)) {
      attempts += 1;
      await computeSignals(database.client, part, rollIdOf(-1, FIRST_MS, attempts));
    }
  }
  async function simulated(): Promise<readonly AwardEvent[]> {
    const past = await Past.open(database.client, database.connection, { rules, instants });
    try {
      const awards: AwardEvent[] = [];
      for await (const day of simulate(rules, past, instants)) awards.push(...day.awards);
      // As they would be read: decoded records have methods.
      return awards.map((award) => awardEvent.decode(awardEvent.encode(award)));
    } finally {
      await past.close();
    }
  }

  it('are those of a simulation over the same history, though another instance goes on every few hours, the former one stopped or not', async () => {
    await live(async (hour, awarder) => {
      if (hour % 5 !== 3) return awarder;
      if (hour % 2 === 0) await awarder.stop();
      else awarder.onAssigned(false);
      return begin();
    });
    const awards = await written();
    expect(byTitle(awards)).toEqual(byTitle(await simulated()));
    // Not by there being none: titles changed hands, by usage and by a day that went, and one ended.
    const reasons = new Set(awards.map(({ reason }) => reason));
    expect([...reasons].sort()).toEqual([
      'above_threshold',
      'below_threshold',
      'corrected',
      'expired',
      'not_eligible',
      'overtaken',
      'overtook',
      'vacant',
    ]);
    expect(new Set(awards.map(({ scope }) => scope))).toEqual(new Set(['company', 'team:red', 'team:blue']));
    expect(new Set(awards.map(({ tier }) => tier))).toEqual(new Set([null, 'bronze', 'silver', 'gold', 'emerald']));
    expect(await tiersShown()).toEqual(tiersOf(awards));
    // By fair play alone, when the day was over.
    const corrected = awards.filter(({ type, reason }) => type === 'title_revoked' && reason === 'corrected');
    expect(corrected.map((award) => [award.title_id, award.user_id, award.evaluated_at])).toEqual([
      ['for_a_day', leader, MIDNIGHT_MS],
    ]);
  }, 900_000);

  it('follow what a day is found to be: who is corrected so that nothing stands out any more has the title again', async () => {
    const roller = new Roller(database, FIRST_MS / 1000, MIDNIGHT_MS / 1000 + 3600);
    const { signal } = new AbortController();
    await roller.begin();
    await publish([mostFair]);
    const fair = async (): Promise<readonly unknown[]> =>
      (await written())
        .filter(({ title_id: title }) => title === 'most_fair')
        .map(({ type, user_id, reason, evidence }) => [type, user_id, reason, evidence['left_out_days'] ?? null]);
    clock.nowMs = MIDNIGHT_MS;
    const awarder = begin();
    const evaluateWith = async (events: readonly UsageEvent[], closeHours: number): Promise<void> => {
      await roller.take({ events, closeHours, closeDays: true });
      await computeStale();
      await awarder.evaluated(signal);
    };
    const before = usage.filter(({ occurred_at: at }) => at < MIDNIGHT_MS);
    const spent = before.map((event) => (event.user_id === leader ? event : { ...event, tokens: noTokens }));
    const other = usageEvent({
      user_id: 'u-late',
      event_id: 'late',
      occurred_at: MIDNIGHT_MS + 60_000,
      tokens: { input: 5 },
    });
    const mine = usageEvent({ ...other, tokens: { input: 1 }, user_id: leader, event_id: 'mine' });
    await evaluateWith(spent, 5);
    expect(await fair()).toEqual([['title_awarded', leader, 'vacant', null]]);
    clock.nowMs = MIDNIGHT_MS + HOUR_MS;
    await evaluateWith([other, mine], 1);
    expect((await fair()).slice(1)).toEqual([
      ['title_revoked', leader, 'corrected', { long: 1 }],
      ['title_awarded', 'u-late', 'overtook', null],
    ]);
    const [one] = atOnce.map((event) => ({ ...event, revision: 1, retracted: true }));
    await evaluateWith(one === undefined ? [] : [one], 0);
    expect((await fair()).slice(3)).toEqual([
      ['title_revoked', 'u-late', 'overtaken', null],
      ['title_awarded', leader, 'overtook', null],
    ]);
  });

  it('are judged anew by itself whenever anything has changed, and not while nothing has', async () => {
    const roller = new Roller(database, FIRST_MS / 1000, MIDNIGHT_MS / 1000);
    await roller.begin();
    const first = usageEvent({ user_id: 'u-1', event_id: 'first', occurred_at: FIRST_MS, tokens: { input: 9 } });
    await roller.take({ events: [first], closeHours: 1, closeDays: true });
    await publish([{ ...mostFair, dwell_hours: 2 }]);
    clock.nowMs = FIRST_MS + HOUR_MS;
    const ticks: Tick[] = [];
    begin({ tickMs: 20 }, (tick) => ticks.push(tick));
    const quiet = (): Promise<void> => untilSo(() => ticks.slice(-3).join() === 'unchanged,unchanged,unchanged');
    await quiet();
    const changes: Readonly<Record<string, () => Promise<unknown>>> = {
      usage: () => roller.take({ events: [{ ...first, event_id: 'second' }], closeHours: 0, closeDays: false }),
      'the end of an hour': () => roller.take({ events: [], closeHours: 1, closeDays: false }),
      'the dwell of a holder': () => Promise.resolve((clock.nowMs += 2 * HOUR_MS)),
      'a choice': () =>
        writeChoices(database.client, [
          { userId: 'u-2', choice: { visibility: 'hidden', figures: 'exact', changed_at: 1 }, version: 2 },
        ]),
      'an erasure': () => recordErasure(database.client, userHashOf('u-3')),
      'the rules': () => publish([mostFair]),
      'the day': () => Promise.resolve((clock.nowMs += 24 * HOUR_MS)),
      'signals of a day': async () => {
        await roller.take({ events: [], closeHours: 24, closeDays: true });
        await quiet();
        ticks.length = 0;
        await computeStale();
      },
    };
    for (const [what, change] of Object.entries(changes)) {
      ticks.length = 0;
      await change();
      await untilSo(() => ticks.includes('evaluated'), what);
      await quiet();
    }
  });
});

async function untilSo(isSo: () => boolean, what = 'nothing to change'): Promise<void> {
  // Less than the time after which it evaluates in any case.
  const deadline = Date.now() + 30_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`waited too long for ${what}`);
    await sleep(10);
  }
}
