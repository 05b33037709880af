import fc from 'fast-check';
import type { JsonObject, UsageEvent } from '@laurel/events';
import { parseDayKey, type Day } from '@laurel/usage';
import { usageEvent } from '@laurel/usage/fixture';
import type { SignalEvidence, SignalId } from './signal.js';
import { signalsOf } from './signals-of.js';

const DAY = parseDayKey('2026-05-14') as Day;
const DAY_MS = DAY * 86_400_000;

let serial = 0;
/** A call at a minute of the day; before it where the minute is negative. */
const call = (minute: number, fields: JsonObject = {}): UsageEvent => {
  serial += 1;
  return usageEvent({
    event_id: `e-${serial}`,
    occurred_at: DAY_MS + minute * 60_000,
    origin: 'main',
    tokens: { input: 100 },
    ...fields,
  });
};
const calls = (minutes: readonly number[], fields: JsonObject = {}): UsageEvent[] =>
  minutes.map((minute) => call(minute, fields));
const range = (from: number, to: number, step = 1): number[] =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, index) => from + index * step);
const evidence = (signal: SignalId, events: readonly UsageEvent[], user = 'u-1'): SignalEvidence | undefined =>
  signalsOf(events, DAY).find((one) => one.signal === signal && one.userId === user)?.evidence;

describe('an unattended run', () => {
  const agents = (hours: readonly number[], input = 250_000): UsageEvent[] =>
    hours.map((hour) => call(hour * 60 + 5, { origin: 'subagent', tokens: { input } }));

  it('is four hours and a million tokens of agents, nobody asking anything', () => {
    expect(evidence('unattended_run', agents([1, 2, 3, 4]))).toEqual({
      run_start: String(DAY_MS + 3_600_000),
      hours: '4',
      tokens: '1000000',
    });
    expect(evidence('unattended_run', agents([1, 2, 3]))).toBeUndefined();
    expect(evidence('unattended_run', agents([1, 2, 3, 4], 249_999))).toBeUndefined();
    expect(evidence('unattended_run', agents([1, 2, 4, 5]))).toBeUndefined();
  });

  it('ends where the person asks something, and is not one of calls that do not count', () => {
    expect(evidence('unattended_run', [...agents([1, 2, 3, 4]), call(3 * 60 + 59)])).toBeUndefined();
    expect(evidence('unattended_run', [...agents([1, 2, 3, 4]), call(3 * 60 + 59, { status: 'error' })])).toMatchObject(
      { hours: '4' },
    );
    const auxiliary = range(1, 9).map((hour) => call(hour * 60, { origin: 'auxiliary', tokens: { input: 1e6 } }));
    expect(evidence('unattended_run', [...auxiliary, call(0)])).toBeUndefined();
  });

  it('goes on over midnight, from the day before at the earliest, and belongs to the day in which it ends', () => {
    expect(evidence('unattended_run', agents(range(-30, 2)))).toEqual({
      run_start: String(DAY_MS - 24 * 3_600_000),
      hours: '26',
      tokens: '6500000',
    });
    expect(evidence('unattended_run', [...agents([-5, -4, -3, -2]), call(0)])).toBeUndefined();
  });

  it('is the longest, and of equal ones the earliest', () => {
    expect(evidence('unattended_run', agents([1, 2, 3, 4, 6, 7, 8, 9, 10]))).toMatchObject({ hours: '5' });
    expect(evidence('unattended_run', agents([1, 2, 3, 4, 6, 7, 8, 9]))).toMatchObject({
      run_start: String(DAY_MS + 3_600_000),
    });
  });
});

describe('an unbroken run', () => {
  it('is ten hours of own calls, none more than twenty minutes after the one before, in whatever sessions', () => {
    const minutes = range(60, 660, 20);
    const own = [
      ...minutes.map((minute, index) => call(minute, { session_id: index % 3 === 0 ? null : `s-${index % 2}` })),
      call(659),
    ];
    expect(evidence('unbroken_run', own)).toEqual({
      run_start: String(DAY_MS + 3_600_000),
      minutes: '600',
      own_minutes: '31',
    });
    expect(evidence('unbroken_run', own.slice(0, -1))).toBeUndefined();
    expect(evidence('unbroken_run', calls([...range(60, 360, 20), ...range(361, 700, 20)]))).toBeUndefined();
  });

  it('is not one of agents’ calls, nor of failed ones', () => {
    expect(evidence('unbroken_run', calls(range(0, 900, 10), { origin: 'subagent' }))).toBeUndefined();
    expect(evidence('unbroken_run', [call(0), ...calls(range(0, 900, 10), { status: 'error' })])).toBeUndefined();
  });

  it('looks at the day before, and belongs to the day in which it ends', () => {
    expect(evidence('unbroken_run', calls(range(-1500, 30, 15)))).toEqual({
      run_start: String(DAY_MS - 24 * 3_600_000),
      minutes: '1456',
      own_minutes: '98',
    });
    expect(evidence('unbroken_run', [...calls(range(-900, -30, 15)), call(10)])).toBeUndefined();
  });
});

describe('a day round the clock', () => {
  it('has own calls in eighteen of its hours', () => {
    expect(evidence('round_the_clock', calls(range(0, 18 * 60, 60)))).toEqual({ own_hours: '18' });
    expect(evidence('round_the_clock', calls(range(0, 17 * 60, 60)))).toBeUndefined();
    expect(evidence('round_the_clock', [call(0), ...calls(range(-600, 17 * 60, 60))])).toBeUndefined();
  });
});

describe('a replayed prefix', () => {
  it('is ten million tokens read from caches, and more than 500 for each one of output', () => {
    const day = (cache_read: number, output: number) => [
      call(0, { tokens: { cache_read: cache_read - 1 } }),
      call(1, { tokens: { cache_read: 1, output } }),
    ];
    expect(evidence('replayed_prefix', day(10_000_000, 19_999))).toEqual({ cache_read: '10000000', output: '19999' });
    expect(evidence('replayed_prefix', day(10_000_000, 20_000))).toBeUndefined();
    expect(evidence('replayed_prefix', day(9_999_999, 0))).toBeUndefined();
  });
});

describe('tiny models', () => {
  it('are five with less than a hundredth of the day’s tokens each', () => {
    const day = (tiny: number, input: number) => [
      call(0, { model: 'big', tokens: { input: 1000 - tiny * input } }),
      ...range(0, tiny).map((index) => call(index, { model: `m-${index}`, tokens: { input } })),
    ];
    expect(evidence('tiny_models', day(5, 9))).toEqual({ models: '6', tiny_models: '5', tokens: '1000' });
    expect(evidence('tiny_models', day(5, 10))).toBeUndefined();
    expect(evidence('tiny_models', day(4, 9))).toBeUndefined();
    expect(evidence('tiny_models', day(6, 0))).toMatchObject({ tiny_models: '6' });
  });
});

describe('a repeated shape', () => {
  const alike = (count: number, fields: JsonObject = {}) =>
    calls(range(0, count), { model: 'm', tokens: { input: 990, output: 10 }, ...fields });

  it('is that of thirty calls with the same count in every class', () => {
    expect(evidence('repeated_shape', [...alike(30), call(50)])).toEqual({
      calls: '30',
      all_calls: '31',
      model: 'm',
      tokens: '1000',
    });
    expect(evidence('repeated_shape', alike(29))).toBeUndefined();
    expect(evidence('repeated_shape', [...alike(29), ...alike(1, { model: 'n' })])).toBeUndefined();
    expect(evidence('repeated_shape', [...alike(29), ...alike(1, { provider: 'p' })])).toBeUndefined();
    expect(
      evidence('repeated_shape', [...alike(29), ...alike(1, { tokens: { input: 991, output: 9 } })]),
    ).toBeUndefined();
    expect(evidence('repeated_shape', alike(40, { tokens: { input: 999 } }))).toBeUndefined();
  });

  it('is the most frequent, then the larger, then that of the first model', () => {
    expect(evidence('repeated_shape', [...alike(30), ...alike(31, { model: 'n' })])).toMatchObject({ model: 'n' });
    expect(
      evidence('repeated_shape', [...alike(30), ...alike(30, { model: 'n', tokens: { input: 2000 } })]),
    ).toMatchObject({ model: 'n', tokens: '2000' });
    expect(evidence('repeated_shape', [...alike(30, { model: 'b' }), ...alike(30, { model: 'a' })])).toMatchObject({
      model: 'a',
    });
  });
});

describe('calls of the same instant', () => {
  it('are thirty of one millisecond; of several such instants the first of the fullest', () => {
    const bulk = (minute: number, count: number) => calls(Array<number>(count).fill(minute));
    expect(evidence('same_instant', [...bulk(5, 30), ...bulk(3, 29)])).toEqual({
      instant: String(DAY_MS + 300_000),
      calls: '30',
    });
    expect(evidence('same_instant', bulk(5, 29))).toBeUndefined();
    expect(evidence('same_instant', [...bulk(9, 30), ...bulk(5, 30)])).toMatchObject({
      instant: String(DAY_MS + 300_000),
    });
    expect(evidence('same_instant', [...bulk(5, 30), ...bulk(9, 31)])).toMatchObject({ calls: '31' });
  });
});

describe('a spike', () => {
  const DAY_MINUTES = 1440;
  const used = (daysAgo: number, input: number, fields: JsonObject = {}) =>
    call(-daysAgo * DAY_MINUTES + 600, { tokens: { input }, ...fields });
  const month = [1, 2, 3, 4, 5].map((daysAgo) => used(daysAgo, 1_000_000 + daysAgo));

  it('is ten times the usual day of five and more, the lower of two middle ones', () => {
    expect(evidence('spike', [used(0, 10_000_030), ...month])).toEqual({
      tokens: '10000030',
      own_median: '1000003',
      active_days: '5',
    });
    expect(evidence('spike', [used(0, 10_000_029), ...month])).toBeUndefined();
    expect(evidence('spike', [used(0, 10_000_030), ...month, used(28, 9_000_000)])).toMatchObject({
      own_median: '1000003',
      active_days: '6',
    });
    expect(evidence('spike', [used(0, 10_000_030), ...month.slice(1), used(29, 1_000_000)])).toBeUndefined();
  });

  it('is at least ten million tokens', () => {
    const little = month.map((event) => ({ ...event, tokens: { ...event.tokens, input: 10 } }));
    expect(evidence('spike', [used(0, 9_999_999), ...little])).toBeUndefined();
    expect(evidence('spike', [used(0, 10_000_000), ...little])).toMatchObject({ own_median: '10' });
  });

  it('is none where the team has many such days, and asks no team of fewer than five', () => {
    const team = (people: number, input: number) =>
      range(0, people).map((index) => used(0, input, { user_id: `o-${index}`, team: 't' }));
    const own = [used(0, 20_000_000, { team: 't' }), ...month];
    expect(evidence('spike', [...own, ...team(4, 2_000_001)])).toBeUndefined();
    expect(evidence('spike', [...own, ...team(4, 2_000_000)])).toMatchObject({
      team_median: '2000000',
      team_people: '5',
    });
    expect(evidence('spike', [...own, ...team(3, 2_000_001)])).toEqual({
      tokens: '20000000',
      own_median: '1000003',
      active_days: '5',
    });
  });
});

describe('a model before its release', () => {
  it('has a later date in its id, by more than a day', () => {
    const at = (model: string) => evidence('before_release', [call(0, { model }), call(1, { model })]);
    expect(at('claude-next-20260516')).toEqual({ model: 'claude-next-20260516', released: '2026-05-16', calls: '2' });
    expect(at('us.anthropic.claude-next-20260516-v1:0')).toMatchObject({ released: '2026-05-16' });
    expect(at('vendor/gpt-9-2026-06-01')).toMatchObject({ released: '2026-06-01' });
    expect(at('claude-next@20270101')).toMatchObject({ released: '2027-01-01' });
    expect(at('claude-next-20260515')).toBeUndefined();
    expect(at('claude-sonnet-4-5-20250929')).toBeUndefined();
    expect(at('m-202605160')).toBeUndefined();
    expect(at('m-20261341')).toBeUndefined();
  });

  it('is the last released, then the first by its id', () => {
    const models = ['b-20270101', 'a-20260601', 'c-20270101'];
    expect(
      evidence(
        'before_release',
        models.map((model) => call(0, { model })),
      ),
    ).toMatchObject({ model: 'b-20270101' });
  });
});

describe('signals', () => {
  it('are those of people with usage on the day, each one’s own, whatever the order of events', () => {
    const minutes = fc.array(fc.tuple(fc.integer({ min: -1500, max: 1439 }), fc.constantFrom('ada', 'bo')), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(minutes, (drawn) => {
        const events = drawn.map(([minute, user_id]) =>
          call(minute, { user_id, origin: minute % 2 === 0 ? 'main' : 'subagent', tokens: { input: 500_000 } }),
        );
        const all = signalsOf(events, DAY);
        expect(signalsOf([...events].reverse(), DAY)).toEqual(expect.arrayContaining([...all]));
        for (const user of ['ada', 'bo']) {
          const own = events.filter(({ user_id }) => user_id === user);
          expect(signalsOf(own, DAY)).toEqual(all.filter(({ userId }) => userId === user));
          if (!own.some(({ occurred_at }) => occurred_at >= DAY_MS)) expect(signalsOf(own, DAY)).toEqual([]);
        }
      }),
    );
  });
});
