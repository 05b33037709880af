import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TokenCounts, UsageRecorded } from '@laurel/events';
import { builtInRules, titleRuleSchema, type TitleRule } from '@laurel/titles';
import { stringify } from 'yaml';
import { eventually } from './pipeline/eventually.js';
import { Pipeline } from './pipeline/pipeline.js';
import { usage } from './pipeline/usage.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DAYS = 6;
/** Whole UTC days before today. */
const FIRST_MS = (Math.floor(Date.now() / DAY_MS) - DAYS) * DAY_MS;
const days = Array.from({ length: DAYS }, (_, day) => day);
const at = (day: number, hour: number, minute: number): number =>
  FIRST_MS + day * DAY_MS + hour * HOUR_MS + minute * 60_000;

/** Four hours a day with a call each other minute; no two of an hour alike. */
const worker = (user_id: string, input: number): readonly UsageRecorded[] =>
  days.flatMap((day) =>
    [9, 10, 13, 15].flatMap((hour) =>
      Array.from({ length: 30 }, (_, call) =>
        usage({
          user_id,
          session_id: `${user_id}-${day}`,
          occurred_at: at(day, hour, 2 * call),
          tokens: { input: input + call },
        }),
      ),
    ),
  );

/** From the first evening on, through every night: 200 million tokens a night, and a word in each hour for appearance's sake. */
const idler = (user_id: string): readonly UsageRecorded[] =>
  days.flatMap((day) =>
    [...(day === 0 ? [] : [0, 1, 2, 3, 4, 5]), 20, 21, 22, 23].flatMap((hour) => [
      usage({ user_id, occurred_at: at(day, hour, 7), tokens: { input: 12, output: 3 } }),
      ...[10, 25, 40, 55].map((minute) =>
        usage({
          user_id,
          origin: 'subagent',
          occurred_at: at(day, hour, minute),
          tokens: { input: 5_000_000 + 60 * hour + minute },
        }),
      ),
    ]),
  );

/** A loop that asks as if it were its person: from six in the third evening on to eight in the morning, a call each five minutes. */
const looper = (user_id: string): readonly UsageRecorded[] =>
  days.slice(2, -1).flatMap((day) =>
    Array.from({ length: 14 * 12 }, (_, call) =>
      usage({
        user_id,
        session_id: `${user_id}-${day}-${call}`,
        occurred_at: at(day, 18, 5 * call),
        tokens: { input: 500_000 - call },
      }),
    ),
  );

const loop = looper('u-loop');
/** Its tokens of the first evening, which is too short to stand out, and of the days after it. */
const [evening, later] = [true, false].map((isFirst) =>
  loop
    .filter(({ occurred_at }) => occurred_at < at(3, 0, 0) === isFirst)
    .reduce((sum, { tokens }) => sum + tokens.input, 0),
);

/** Three sessions a day that read as much from a cache as comes of itself. */
const thrifty = (user_id: string): readonly UsageRecorded[] =>
  inSessions(user_id, 8, { input: 30_000, cache_read: 60_000, cache_write_5m: 10_000, output: 5000 });

/** Likewise, of a long beginning that is sent again and again, and hardly answered. */
const replayer = (user_id: string): readonly UsageRecorded[] =>
  inSessions(user_id, 9, { input: 1000, cache_read: 20_000_000, output: 500 });

const inSessions = (user_id: string, hour: number, tokens: Partial<TokenCounts>): readonly UsageRecorded[] =>
  days.flatMap((day) =>
    [0, 1, 2].map((session) =>
      usage({
        user_id,
        session_id: `${user_id}-${day}-${session}`,
        occurred_at: at(day, hour + session, 1),
        tokens: { ...tokens, input: (tokens.input ?? 0) + day },
      }),
    ),
  );

/** Three models in balance. */
const versatile = (user_id: string): readonly UsageRecorded[] =>
  days.flatMap((day) =>
    ['gpt-5', 'claude-opus-4-5', 'gemini-2.5-pro'].map((model) =>
      usage({ user_id, model, occurred_at: at(day, 8, 2), tokens: { input: 40_000 } }),
    ),
  );

/** One model, and twelve others once. */
const tourist = (user_id: string): readonly UsageRecorded[] => [
  ...days.map((day) => usage({ user_id, model: 'gpt-5', occurred_at: at(day, 9, 3), tokens: { input: 1_000_000 } })),
  ...Array.from({ length: 12 }, (_, index) =>
    usage({
      user_id,
      model: `model-${String.fromCharCode(97 + index)}`,
      occurred_at: at(3, 10, index),
      tokens: { input: 1000 },
    }),
  ),
];

const [tokenLegend, modelConnoisseur, cacheWizard] = builtInRules;
const lenient: TitleRule = { ...tokenLegend, fair_play: undefined };
const naive = titleRuleSchema.parse({
  id: 'most_tokens',
  name: 'Most tokens',
  description: 'Most tokens, whoever used them.',
  version: 1,
  metric: { kind: 'capped_tokens' },
});

const readsAlone = titleRuleSchema.parse({
  id: 'most_cached',
  name: 'Most cached',
  description: 'The greatest share read from a cache.',
  version: 1,
  metric: { kind: 'cache_share', prior_tokens: 0, reads_per_output: 2 ** 20 },
});

interface Simulated {
  readonly titles: readonly {
    readonly title_id: string;
    readonly left_out: object | null;
    readonly holdings: readonly { readonly user_id: string }[];
  }[];
}

describe('who plays for titles', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    // Nothing else waits for the projector here.
    const signalsAtOnce = { LAUREL_PROJECTOR_SIGNALS_PERCENT: '100', LAUREL_PROJECTOR_SIGNALS_INTERVAL_MS: '500' };
    pipeline = await Pipeline.create(['usage-ingest', 'usage-projector'], signalsAtOnce);
    await pipeline.publish([...worker('u-ada', 300_000), ...worker('u-bo', 250_000)]);
    await pipeline.publish([...idler('u-idle'), ...loop]);
    await pipeline.publish([...thrifty('u-cy'), ...replayer('u-replay'), ...versatile('u-di'), ...tourist('u-tour')]);
    await pipeline.settled();
    // Here days come all at once, so that nobody is awarded anything before it is known what they are.
    const projector = pipeline.service('usage-projector');
    await eventually(
      'the signals of all days',
      async () =>
        (await projector.metric('laurel_signals_computed_total', 'result="computed"')) > 0 &&
        (await projector.metric('laurel_signals_waiting')) === 0,
    );
    await pipeline.start('title-awarder');
    await eventually(
      'two evaluations',
      async () => (await pipeline.service('title-awarder').metric('laurel_title_ticks_total')) >= 2,
    );
  });
  afterAll(() => pipeline.close());

  const explained = async (user: string, title = 'token_legend'): Promise<unknown> => {
    const { titles } = JSON.parse(await pipeline.laurel('titles', 'explain', user, '--title', title, '--json')) as {
      titles: readonly unknown[];
    };
    return titles[0];
  };
  const held = async (...rules: readonly TitleRule[]): Promise<readonly unknown[]> => {
    const file = join(tmpdir(), `laurel-cheating-${process.pid}.yaml`);
    writeFileSync(file, stringify({ titles: rules }));
    const period = [FIRST_MS + HOUR_MS, FIRST_MS + DAYS * DAY_MS].map((ms) => new Date(ms).toISOString());
    const [from = '', to = ''] = period;
    const simulated = JSON.parse(
      await pipeline.laurel('titles', 'simulate', file, '--from', from, '--to', to, '--json'),
    ) as Simulated;
    rmSync(file);
    return simulated.titles.map(({ title_id, left_out, holdings }) => [
      title_id,
      holdings.map(({ user_id }) => user_id),
      left_out,
    ]);
  };

  /** What ever came of a title, live. */
  const awarded = async (title: string): Promise<readonly unknown[]> =>
    (await pipeline.awards()).filter(({ title_id }) => title_id === title).map(({ type, user_id }) => [type, user_id]);

  it('takes Token Legend from nobody by an agent that runs all night, be it asked now and then, or asking itself', async () => {
    expect(await awarded('token_legend')).toEqual([['title_awarded', 'u-ada']]);
    // Half a million for each of its own minutes.
    expect(await explained('u-idle')).toMatchObject({ status: 'behind', value: ((DAYS - 1) * 10 + 4) * 500_000 });
    expect(await explained('u-loop')).toMatchObject({
      status: 'behind',
      value: evening,
      left_out: [5, 4, 3].map((day) => ({
        day: new Date(at(day, 0, 0)).toISOString().slice(0, 10),
        signal: 'unbroken_run',
        evidence: { run_start: String(at(day - 1, 18, 0)), minutes: '836', own_minutes: '168' },
      })),
    });
  });

  it('would with it by the tokens of each day alone, which a simulation shows', async () => {
    expect(await held(naive, { ...lenient, id: 'own_minutes' }, tokenLegend)).toEqual([
      ['most_tokens', expect.arrayContaining(['u-idle']), null],
      // Whoever is first in the first morning has it for an hour. The loop passes her in its third night, she it once more by day, and it her for good.
      ['own_minutes', ['u-di', 'u-ada', 'u-loop', 'u-ada', 'u-loop'], null],
      [
        'token_legend',
        ['u-di', 'u-ada'],
        { person_days: 3, people: 1, tokens: String(later), by_signal: { unbroken_run: 3 } },
      ],
    ]);
  });

  it('is no Cache Wizard by a prefix that is replayed; by the share alone that would do', async () => {
    expect(await awarded('cache_wizard')).toEqual([['title_awarded', 'u-cy']]);
    expect(await held(cacheWizard, readsAlone)).toEqual([
      ['cache_wizard', ['u-cy'], null],
      ['most_cached', ['u-cy', 'u-replay'], null],
    ]);
  });

  it('is no Model Connoisseur by twelve models that are called once', async () => {
    const used = await pipeline.rows(
      `SELECT user_id, toUInt32(uniqExact(model)) AS models FROM usage WHERE user_id IN ('u-di', 'u-tour') GROUP BY user_id ORDER BY user_id`,
    );
    expect(used).toEqual([
      { user_id: 'u-di', models: 3 },
      { user_id: 'u-tour', models: 13 },
    ]);
    expect(await awarded('model_connoisseur')).toEqual([['title_awarded', 'u-di']]);
    // In the first night of a fifth day nobody else has five of them.
    expect(await held(modelConnoisseur)).toEqual([['model_connoisseur', ['u-idle', 'u-di'], null]]);
    expect(await explained('u-tour', 'model_connoisseur')).toMatchObject({ status: 'behind', value: 1, toBeat: 3 });
  });

  it('is listed with what says so, for whoever has to look into it', async () => {
    const list = JSON.parse(await pipeline.laurel('fair-play', 'list', '--json')) as {
      signals: readonly { user_id: string; signal: string; day: string }[];
    };
    expect(new Set(list.signals.map(({ user_id, signal }) => `${user_id} ${signal}`))).toEqual(
      new Set(['u-loop unbroken_run', 'u-replay replayed_prefix', 'u-tour tiny_models']),
    );
    const text = await pipeline.laurel('fair-play', 'show', 'u-loop');
    expect(text).toContain('unbroken_run, own calls without a pause');
    expect(text).toContain('own calls for 13 h 56 min without a pause over 20 minutes, in 168 minutes of them');
    expect(text).toContain('3 signals A signal is no verdict');
    expect(await pipeline.laurel('fair-play', 'show', 'u-ada')).toContain('Nothing of u-ada stands out.');
    const only = await pipeline.laurel('fair-play', 'list', '--signal', 'spike', '--from', '2026-01-01');
    expect(only).toContain('Nothing stands out.');
    await expect(pipeline.laurel('fair-play', 'list', '--signal', 'laziness')).rejects.toThrow('laziness');
    await expect(pipeline.laurel('fair-play', 'list', '--from', '2026-02-30')).rejects.toThrow('not a day');
  });

  it('has Token Legend by its days once somebody who looked into them says that they count, and no longer when that is taken back', async () => {
    const days = [5, 4, 3].map((ago) => new Date(at(ago, 0, 0)).toISOString().slice(0, 10));
    const before = await awarded('token_legend');
    const review = async (...verdict: readonly string[]): Promise<void> => {
      for (const day of days) await pipeline.laurel('fair-play', 'review', 'u-loop', day, ...verdict);
    };
    const since = async (): Promise<readonly unknown[]> =>
      (await pipeline.awards())
        .filter(({ title_id }) => title_id === 'token_legend')
        .slice(before.length)
        .map(({ type, user_id, reason }) => [type, user_id, reason]);
    await review('--counts', '--reason', 'two people share the pseudonym');
    const taken = [
      ['title_revoked', 'u-ada', 'overtaken'],
      ['title_awarded', 'u-loop', 'overtook'],
    ];
    await eventually('the loop to hold it', async () => (await since()).length >= taken.length);
    expect(await since()).toEqual(taken);
    expect(await pipeline.laurel('fair-play', 'show', 'u-loop')).toContain(
      'counts by a review: two people share the pseudonym',
    );
    expect(await held(tokenLegend)).toEqual([
      [
        'token_legend',
        ['u-di', 'u-ada', 'u-loop', 'u-ada', 'u-loop'],
        { person_days: 0, people: 0, tokens: '0', by_signal: {} },
      ],
    ]);
    await review('--left-out', '--reason', 'they do not');
    const back = [...taken, ['title_revoked', 'u-loop', 'corrected'], ['title_awarded', 'u-ada', 'overtook']];
    await eventually('it to be taken back', async () => (await since()).length >= back.length);
    expect(await since()).toEqual(back);
    await expect(
      pipeline.laurel('fair-play', 'review', 'u-ada', days[0] ?? '', '--counts', '--reason', 'x'),
    ).rejects.toThrow('nothing of u-ada stands out');
  });
});
