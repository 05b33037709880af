import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { titleRules, topics, type AwardEvent } from '@laurel/events';
import { RecordProducer } from '@laurel/kafka';
import { builtInRules, fold, readRulesFile, RuleBook, ruleChanges, type TitleRule } from '@laurel/titles';
import { stringify } from 'yaml';
import { eventually } from './pipeline/eventually.js';
import { Pipeline } from './pipeline/pipeline.js';
import type { ServiceProcess } from './pipeline/service-process.js';
import { usage } from './pipeline/usage.js';

const LAUREL = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../../examples/titles.yaml', import.meta.url));

interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

interface Applied {
  readonly applied: boolean;
  readonly changes: readonly { readonly kind: string; readonly id: string }[];
}

interface Titles {
  readonly titles: readonly { readonly id: string; readonly version: number; readonly icon: string | null }[];
}

function laurel(args: readonly string[], environment: NodeJS.ProcessEnv = {}, input = ''): Promise<Outcome> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...environment };
    const child = execFile(process.execPath, [LAUREL, 'titles', ...args], { env }, (error, out, err) => {
      resolve({ status: error === null ? 0 : Number(error.code), out, err });
    });
    child.stdin?.end(input);
  });
}

describe('laurel titles validate', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'laurel-titles-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('takes the example, without Kafka or ClickHouse', async () => {
    expect(await laurel(['validate', EXAMPLE])).toEqual({ status: 0, out: `${EXAMPLE}: 10 titles, valid\n`, err: '' });
  });

  it('has an example that can be applied to Laurel’s own as it is', () => {
    const read = readRulesFile(readFileSync(EXAMPLE, 'utf8'));
    const changes = read.ok ? ruleChanges(new RuleBook(), read.rules) : [];
    expect(changes.map(({ kind, id }) => `${kind} ${id}`)).toEqual([
      'rejudged token_legend',
      'reworded model_connoisseur',
      'reworded cache_wizard',
      'rejudged master_crafter',
      'reworded frugal_sage',
      'added regular',
      'added on_a_roll',
      'added most_saved',
      'added deep_diver',
      'added brevity_week',
      'removed session_immortal',
    ]);
  });

  it('names file, line and rule of every fault, also for programs', async () => {
    const file = join(folder, 'titles.yaml');
    await writeFile(
      file,
      readFileSync(EXAMPLE, 'utf8').replace('window: month', 'window: quarter').replace('holders: 3', 'holder: 3'),
    );
    const { status, out, err } = await laurel(['validate', file]);
    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(err.split('\n')).toEqual([
      expect.stringMatching(/titles\.yaml:\d+:5: regular: window is not 1d to 366d, week, month or all$/),
      expect.stringMatching(/titles\.yaml:\d+:5: regular: holder is not known here$/),
      '',
    ]);
    const told = JSON.parse((await laurel(['validate', file, '--json'])).out) as { faults: unknown[] };
    expect(told).toMatchObject({
      valid: false,
      faults: [{ rule: 'regular', field: 'window', code: 'invalid_rule' }, {}],
    });
  });

  it('reads from standard input, and says when a file is not there', async () => {
    expect(await laurel(['validate', '-'], {}, 'titles: []')).toMatchObject({ status: 0, out: '-: 0 titles, valid\n' });
    const { status, err } = await laurel(['validate', join(folder, 'none.yaml')]);
    expect(status).toBe(1);
    expect(err).toContain('none.yaml');
  });

  it('lets nothing in a file steer the terminal', async () => {
    const { err } = await laurel(['validate', '-'], {}, 'titles:\n  - "\\e[31mred\\u202e": 1\n    id: a');
    expect(err).toContain('\\u{1b}[31mred\\u{202e}');
  });
});

describe('laurel titles', () => {
  let pipeline: Pipeline;
  let awarder: ServiceProcess;

  beforeAll(async () => {
    pipeline = await Pipeline.create(['usage-ingest', 'usage-projector', 'title-awarder', 'api']);
    awarder = pipeline.service('title-awarder');
    const event = (user: string, input: number) =>
      usage({ source: 'titles', event_id: user, user_id: user, occurred_at: Date.now(), tokens: { input } });
    await pipeline.publish([event('u-ada', 200_000), event('u-bo', 100_000)]);
    await eventually('ada to hold the title', async () => (await holders())['token_legend|company'] === 'u-ada');
  });
  afterAll(() => pipeline.close());

  const holders = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      [...fold(await pipeline.awards())].map(([key, state]) => [
        key,
        state.holders.map((award) => award.user_id).join(','),
      ]),
    );
  const titles = async (...args: readonly string[]): Promise<Outcome> => laurel(args, pipeline.environment);
  const apply = async (
    rules: readonly TitleRule[],
    ...flags: readonly string[]
  ): Promise<Outcome & Partial<Applied>> => {
    const outcome = await laurel(
      ['apply', '-', '--json', ...flags],
      pipeline.environment,
      stringify({ titles: rules }),
    );
    return { ...outcome, ...(outcome.out === '' ? {} : (JSON.parse(outcome.out) as Applied)) };
  };
  const shown = async (): Promise<Record<string, number>> => {
    const { titles: all } = await pipeline.get<Titles>('/v1/titles');
    return Object.fromEntries(all.map(({ id, version }) => [id, version]));
  };
  const story = (awards: readonly AwardEvent[]): unknown[] =>
    awards.map(({ type, title_id, user_id, rule_version, reason }) => [type, title_id, user_id, rule_version, reason]);

  const [legend] = builtInRules;
  const output: TitleRule = {
    ...legend,
    id: 'most_active',
    name: 'Most active',
    icon: '🔥',
    version: 1,
    metric: { kind: 'active_days' },
    holders: 2,
  };

  it('shows Laurel’s own where nothing was published, as a file that can be applied', async () => {
    const { out } = await titles('show');
    expect(out).toContain('Laurel’s own');
    const again = await laurel(['apply', '-'], pipeline.environment, out);
    expect(again).toMatchObject({ status: 0, out: 'These rules are in force already.\n' });
  });

  describe('explain', () => {
    const json = async (...args: readonly string[]): Promise<Record<string, unknown>> =>
      JSON.parse((await titles('explain', ...args, '--json')).out) as Record<string, unknown>;

    it('says to the holder since when, and to another how much more it takes', async () => {
      expect(await json('u-ada', '--title', 'token_legend')).toMatchObject({
        titles: [{ titleId: 'token_legend', status: 'holds', rank: 1, value: 200_000, award: { ordinal: 0 } }],
      });
      expect(await json('u-bo', '--title', 'token_legend')).toMatchObject({
        titles: [{ status: 'behind', rank: 2, value: 100_000, toBeat: 200_000, beyond: 204_000, history: [] }],
      });
      const { status, out } = await titles('explain', 'u-bo');
      expect(status).toBe(0);
      expect(out).toContain('it takes 204,001 tokens, 104,001 tokens more than now');
      expect(out).toContain('active days: 1 of 5');
      expect(out).not.toContain('u-ada');
    });

    it('knows somebody without usage, an earlier time, and no title that there is not', async () => {
      expect(await json('u-nobody', '--title', 'token_legend')).toMatchObject({
        titles: [{ status: 'not_eligible', value: 0 }],
      });
      expect(await json('u-ada', '--title', 'token_legend', '--at', '2026-01-01')).toMatchObject({
        titles: [{ status: 'not_eligible', value: 0, award: null, history: [] }],
      });
      expect(await titles('explain', 'u-ada', '--title', 'no_such')).toMatchObject({
        status: 1,
        err: 'no title in force: no_such\n',
      });
      expect((await titles('explain', 'u-ada', '--at', '2999-01-01')).err).toContain('in the future');
    });
  });

  it('changes nothing with --dry-run, and nothing that a rule forbids', async () => {
    expect(await apply([legend, output], '--dry-run')).toMatchObject({ status: 0, applied: false });
    const same = await apply([{ ...legend, window: '90d' }, ...builtInRules.slice(1)]);
    expect(same).toMatchObject({
      status: 1,
      applied: false,
      changes: [{ kind: 'refused', id: 'token_legend', code: 'version_not_raised' }],
    });
    expect(await shown()).toEqual(Object.fromEntries(builtInRules.map(({ id, version }) => [id, version])));
  });

  it('asks before a title is taken from everybody, and takes no silence for a yes', async () => {
    const { status, err } = await apply([output]);
    expect(status).toBe(1);
    expect(err).toContain('give --yes');
  });

  it('is followed by awards and API without a restart: added, judged anew, removed', async () => {
    const before = (await pipeline.awards()).length;
    expect(await apply([...builtInRules, output])).toMatchObject({ status: 0, applied: true });
    await eventually('the new title to be held', async () => (await holders())['most_active|company'] === 'u-ada,u-bo');
    await eventually('the API to show it', async () => (await shown())['most_active'] === 1);
    expect(JSON.parse((await titles('show', '--json')).out)).toMatchObject({ published: true });

    const second = {
      ...legend,
      version: legend.version + 1,
      eligibility: { ...legend.eligibility, min_tokens: 200_000 },
    };
    expect(await apply([second, output], '--yes')).toMatchObject({ status: 0, applied: true });
    await eventually('token legend to be judged by its next version', async () =>
      (await pipeline.awards()).some(
        (award) => award.rule_version === second.version && award.type === 'title_awarded',
      ),
    );
    await eventually(
      'the API to forget the others',
      async () => Object.keys(await shown()).join() === 'token_legend,most_active',
    );

    expect(await apply([], '--yes')).toMatchObject({ status: 0, applied: true });
    await eventually('nobody to hold anything', async () =>
      Object.values(await holders()).every((users) => users === ''),
    );
    expect(story((await pipeline.awards()).slice(before))).toEqual([
      ['title_awarded', 'most_active', 'u-ada', 1, 'vacant'],
      ['title_awarded', 'most_active', 'u-bo', 1, 'vacant'],
      ['title_revoked', 'token_legend', 'u-ada', second.version, 'rule_changed'],
      ['title_awarded', 'token_legend', 'u-ada', second.version, 'rule_changed'],
      ['title_revoked', 'token_legend', 'u-ada', second.version, 'rule_removed'],
      ['title_revoked', 'most_active', 'u-ada', 1, 'rule_removed'],
      ['title_revoked', 'most_active', 'u-bo', 1, 'rule_removed'],
    ]);
    expect(awarder.isRunning).toBe(true);
  });

  it('never awards an old version again, and a title that comes back goes on where it was', async () => {
    expect(await apply([legend])).toMatchObject({
      status: 1,
      changes: [{ kind: 'refused', id: 'token_legend', code: 'version_lowered' }],
    });
    const third = { ...legend, version: legend.version + 2 };
    expect(await apply([third])).toMatchObject({ status: 0, changes: [{ kind: 'added', id: 'token_legend' }] });
    await eventually('ada to hold it again', async () => (await holders())['token_legend|company'] === 'u-ada');
  });

  it('takes a title away when its last day is over, and awards none before its first', async () => {
    const rules = (bounds: Partial<TitleRule>): TitleRule[] => [{ ...legend, version: legend.version + 2, ...bounds }];
    expect(await apply(rules({ valid_until: '2026-01-01' }))).toMatchObject({
      status: 0,
      changes: [{ kind: 'reworded', id: 'token_legend' }],
    });
    await eventually('the title to expire', async () => (await holders())['token_legend|company'] === '');
    expect((await pipeline.awards()).at(-1)).toMatchObject({ type: 'title_revoked', reason: 'expired' });
    await eventually('the API to show no title', async () => Object.keys(await shown()).length === 0);
    await apply(rules({ valid_from: '2020-01-01' }));
    await eventually('it to be held again', async () => (await holders())['token_legend|company'] === 'u-ada');
  });

  it('is one of each team where its rule says so, and passes from the company to the teams', async () => {
    const inTeam = (user: string, team: string, input: number) =>
      usage({ source: 'teams', event_id: user, user_id: user, team, occurred_at: Date.now(), tokens: { input } });
    await pipeline.publish(
      ['red', 'blue'].flatMap((team) => [1, 2, 3, 4, 5].map((index) => inTeam(`u-${team}-${index}`, team, index))),
    );
    await pipeline.settled();
    const best = { ...legend, version: legend.version + 3, scope: 'each_team' as const };
    expect(await apply([best], '--yes')).toMatchObject({ status: 0, changes: [{ kind: 'rejudged' }] });
    await eventually('the best of each team to hold it, and nobody in the company', async () => {
      const held = await holders();
      return (
        held['token_legend|team:red'] === 'u-red-5' &&
        held['token_legend|team:blue'] === 'u-blue-5' &&
        held['token_legend|company'] === ''
      );
    });
    const ofScope = async (scope: string): Promise<unknown> =>
      (
        await pipeline.get<{ titles: { scope: string; holders: { user_id: string }[]; standings: unknown[] }[] }>(
          `/v1/titles?scope=${scope}`,
        )
      ).titles.map((title) => [title.scope, title.holders.map((held) => held.user_id), title.standings.length]);
    await eventually('the API to show it', async () => JSON.stringify(await ofScope('team:red')).includes('u-red-5'));
    expect(await ofScope('team:red')).toEqual([['team:red', ['u-red-5'], 5]]);
    expect(await ofScope('company')).toEqual([]);
    const explained = JSON.parse((await titles('explain', 'u-blue-1', '--json')).out) as Record<string, unknown>;
    expect(explained).toMatchObject({ titles: [{ scope: 'team:blue', status: 'behind', rank: 5, toBeat: 5 }] });
    const alone = JSON.parse((await titles('explain', 'u-ada', '--json')).out) as Record<string, unknown>;
    expect(alone).toMatchObject({ titles: [{ scope: null, status: 'not_eligible' }] });
  });

  it('is known to an instance that takes over, before its first award', async () => {
    await awarder.end('SIGKILL');
    const before = await pipeline.awards();
    const next = await pipeline.start('title-awarder');
    const evaluations = (): Promise<number> => next.metric('laurel_title_ticks_total');
    await eventually('it to have evaluated twice', async () => (await evaluations()) >= 2);
    expect(await pipeline.awards()).toEqual(before);
    awarder = next;
  });

  it('stops the services rather than judge by rules that they do not understand', async () => {
    const producer = new RecordProducer(pipeline.kafka, pipeline.prefix);
    await producer.connect();
    const value = titleRules.encode({ published_at: Date.now(), rules: '[{"id":"of_the_future","metric":"karma"}]' });
    await producer.send(topics.titleRules.name, [{ key: 'titles', value }]);
    await producer.close();
    expect(await awarder.ended()).not.toBe(0);
    expect(awarder.log()).toContain('rules_not_understood');
    expect(await pipeline.service('api').ended()).not.toBe(0);
  });
});
