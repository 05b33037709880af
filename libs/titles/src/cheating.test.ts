import type { AwardEvent, UsageEvent } from '@laurel/events';
import { dayOf, windowOf } from '@laurel/usage';
import { usageEvent } from '@laurel/usage/fixture';
import { builtInRules } from './built-in-rules.js';
import { factsOf } from './metrics/facts.js';
import { titleRuleSchema, type TitleRule } from './rule.js';
import { standingsByScope } from './scope.js';
import { simulate, type UsageHistory } from './simulate.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A Monday. */
const FIRST_MS = Date.UTC(2026, 4, 4);
const DAYS = 30;
const instants = Array.from({ length: DAYS * 24 }, (_, hour) => FIRST_MS + (hour + 1) * HOUR_MS);
const workdays = Array.from({ length: DAYS }, (_, day) => day).filter((day) => day % 7 < 5);

let calls = 0;
const call = (user_id: string, day: number, hour: number, fields: Parameters<typeof usageEvent>[0]): UsageEvent =>
  usageEvent({
    user_id,
    event_id: `e-${(calls += 1)}`,
    session_id: `${user_id}-${day}`,
    occurred_at: FIRST_MS + day * DAY_MS + hour * HOUR_MS,
    ...fields,
  });

/** Two people who work by day, one with one model and one with three; their prompts are read from the cache for the greater part. */
const honest: readonly UsageEvent[] = workdays.flatMap((day) => [
  ...[9, 11, 14, 16].map((hour) =>
    call('ada', day, hour, {
      session_id: `ada-${day}-${hour}`,
      tokens: { input: 2_000_000, cache_read: 14_000_000, output: 400_000 },
    }),
  ),
  ...['claude-sonnet-4-5', 'gpt-5', 'gemini-2.5-pro'].map((model, index) =>
    call('bo', day, 10 + index, { model, tokens: { input: 3_000_000, cache_read: 6_000_000, output: 300_000 } }),
  ),
]);

const history = (events: readonly UsageEvent[]): UsageHistory => {
  const known = new Map<string, readonly UsageEvent[]>();
  const standings: UsageHistory['standings'] = (rule, window, _, atMs) => {
    const before = known.get(String(atMs)) ?? events.filter(({ occurred_at }) => occurred_at < atMs);
    known.set(String(atMs), before);
    return Promise.resolve(standingsByScope(rule, factsOf(before, window)));
  };
  return {
    standings,
    sketch: standings,
    tierFigures: () => Promise.resolve([]),
    mayTiersChange: () => Promise.resolve(false),
  };
};
/** Everybody who would have held a title at any time of the month. */
const everHeld = async (rule: TitleRule, events: readonly UsageEvent[]): Promise<ReadonlySet<string>> => {
  const awards: AwardEvent[] = [];
  for await (const day of simulate([rule], history(events), instants)) awards.push(...day.awards);
  return new Set(awards.filter(({ type }) => type === 'title_awarded').map(({ user_id }) => user_id));
};

const [, modelConnoisseur, cacheWizard] = builtInRules;
const naive = (metric: object): TitleRule =>
  titleRuleSchema.parse({ id: 'naive', name: 'Naive', description: 'Naive.', version: 1, metric });

describe('under the built-in rules', () => {
  it('a prefix that is replayed makes no Cache Wizard; by the share alone it would', async () => {
    const replayed = workdays.flatMap((day) =>
      Array.from({ length: 3 }, (_, index) =>
        call('replay', day, 9 + index, {
          session_id: `replay-${day}-${index}`,
          tokens: { input: 1000, cache_read: 20_000_000, output: 500 },
        }),
      ),
    );
    const events = [...honest, ...replayed];
    const alone = naive({ kind: 'cache_share', prior_tokens: 0, reads_per_output: 2 ** 20 });
    expect(await everHeld(alone, events)).toContain('replay');
    expect([...(await everHeld(cacheWizard, events))]).toEqual(['ada']);
  });

  it('twelve models called once make no Model Connoisseur; counted by their number they would', async () => {
    const models = Array.from({ length: 12 }, (_, index) => `model-${String.fromCharCode(97 + index)}`);
    const tourist = [
      ...workdays.map((day) => call('tourist', day, 9, { model: 'gpt-5', tokens: { input: 1_000_000 } })),
      ...models.map((model) => call('tourist', 8, 12, { model, tokens: { input: 1000 } })),
    ];
    const events = [...honest, ...tourist];
    const used = (user: string): number =>
      new Set(events.filter(({ user_id }) => user_id === user).map(({ model }) => model)).size;
    expect(used('tourist')).toBeGreaterThan(4 * used('bo'));
    expect(await everHeld(modelConnoisseur, events)).not.toContain('tourist');
    const window = windowOf('30d', instants.at(-1) ?? 0);
    const [best, ...others] = standingsByScope(modelConnoisseur, factsOf(events, window)).get('company') ?? [];
    expect([best?.userId, best?.value]).toEqual(['bo', expect.closeTo(3, 9)]);
    expect(others.find(({ userId }) => userId === 'tourist')?.value).toBe(1);
    expect(window.lastDay).toBe(dayOf(instants.at(-1) ?? 0));
  });
});
