import { dayOf, totalOf, windowOf, type Day } from '@laurel/usage';
import { titleRuleSchema, type TitleRule } from '../rule.js';
import { factsByScope, standingsByScope } from '../scope.js';
import { factsOf } from './facts.js';
import { standingsOf } from './measure.js';
import { event, NOW } from './window.fixture.js';

const ruleOf = (usage: object | undefined, fields: object = {}): TitleRule =>
  titleRuleSchema.parse({
    id: 'c',
    name: 'C',
    description: 'For tests.',
    version: 1,
    metric: { kind: 'capped_tokens' },
    usage,
    ...fields,
  });
const call = (user_id: string, provider: string, model: string, input: number, daysAgo = 0, fields: object = {}) =>
  event(daysAgo, { user_id, provider, model, tokens: { input }, ...fields });

describe('the usage that counts for a title', () => {
  const used = [
    call('ada', 'anthropic', 'claude-sonnet-4-5', 1),
    call('ada', 'bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 20),
    call('ada', 'openai', 'gpt-5', 300, 1),
    call('bo', 'openai', 'gpt-5', 4000),
  ];
  const values = (rule: TitleRule) => standingsOf(rule, used, NOW).map(({ userId, value }) => [userId, value]);

  it('is all, or that of providers, or of model families by whatever name, or of both', () => {
    expect(values(ruleOf(undefined))).toEqual([
      ['bo', 4000],
      ['ada', 321],
    ]);
    expect(values(ruleOf({ providers: ['anthropic', 'openai'] }))).toEqual([
      ['bo', 4000],
      ['ada', 301],
    ]);
    expect(values(ruleOf({ model_families: ['claude-sonnet-4-5'] }))).toEqual([['ada', 21]]);
    expect(values(ruleOf({ providers: ['bedrock'], model_families: ['claude-sonnet-4-5', 'gpt-5'] }))).toEqual([
      ['ada', 20],
    ]);
  });

  it('is what minima and the company’s share are taken from, too', () => {
    const rule = ruleOf({ model_families: ['gpt-5'] }, { eligibility: { min_active_days: 2, min_tokens: 500 } });
    expect(standingsOf(rule, used, NOW).every(({ eligible }) => !eligible)).toBe(true);
    const share = ruleOf(
      { providers: ['openai'] },
      { metric: { kind: 'cache_share', prior_tokens: 1000, reads_per_output: 1 } },
    );
    const cached = [
      call('ada', 'openai', 'gpt-5', 100, 0, { tokens: { input: 100, cache_read: 100, output: 100 } }),
      call('ada', 'anthropic', 'claude-sonnet-4-5', 9, 0, { tokens: { input: 9_000_000 } }),
    ];
    expect(standingsOf(share, cached, NOW)[0]?.value).toBe(0.5);
  });

  it('is not of days that are left out, whatever stood out in them', () => {
    const today = dayOf(NOW);
    const isLeftOut = (userId: string, day: Day): boolean => userId === 'ada' && day === today - 1;
    const more = [...used, call('ada', 'openai', 'gpt-5', 5), call('ada', 'anthropic', 'claude-sonnet-4-5', 700, 1)];
    const of = (usage: object) =>
      standingsOf(ruleOf(usage), more, NOW, undefined, isLeftOut).map(({ userId, value, evidence }) => [
        userId,
        value,
        evidence['left_out_days'],
      ]);
    expect(of({ providers: ['openai'] })).toEqual([
      ['bo', 4000, undefined],
      ['ada', 5, { long: 1 }],
    ]);
    expect(of({ model_families: ['claude-sonnet-4-5'] })).toEqual([['ada', 21, { long: 1 }]]);
    const facts = factsOf(more, windowOf('30d', NOW), undefined, isLeftOut);
    const byFamily = factsByScope(ruleOf(undefined, { scope: 'each_model_family' }), facts);
    expect([...byFamily].map(([scope, { company }]) => [scope, totalOf(company)])).toEqual([
      ['family:claude-sonnet-4-5', 21n],
      ['family:gpt-5', 4005n],
    ]);
  });

  it('leaves out of a team whoever has none of it', () => {
    const team = ['ada', 'bo', 'cy', 'di', 'eve'].map((user) => call(user, 'openai', 'gpt-5', 5, 0, { team: 'red' }));
    const rule = ruleOf({ providers: ['openai'] }, { scope: 'each_team' });
    const scopes = (events: Parameters<typeof factsOf>[0]) => [
      ...standingsByScope(rule, factsOf(events, windowOf('30d', NOW))).keys(),
    ];
    expect(scopes(team)).toEqual(['team:red']);
    const fewer = [...team.slice(1), call('ada', 'anthropic', 'claude-sonnet-4-5', 5, 0, { team: 'red' })];
    expect(scopes(fewer)).toEqual([]);
  });

  it.each([
    ['usage', {}, {}],
    ['usage.providers', { providers: [] }, {}],
    ['usage.providers', { providers: ['a', 'a'] }, {}],
    ['usage', { origins: ['main'] }, {}],
    ['metric.kind', { providers: ['a'] }, { metric: { kind: 'longest_session' } }],
    ['metric', { providers: ['a'] }, { metric: { kind: 'capped_tokens', tokens_per_own_minute: 5 } }],
    [
      'metric',
      undefined,
      {
        scope: 'each_model_family',
        metric: {
          kind: 'quotient',
          of: { kind: 'list_cost' },
          per: { kind: 'capped_tokens', tokens_per_own_minute: 5 },
        },
      },
    ],
    ['eligibility.min_sessions', { providers: ['a'] }, { eligibility: { min_sessions: 3 } }],
  ])('refuses what can’t be told: %s', (path, usage, fields) => {
    const rule = { id: 'c', name: 'C', description: 'x', version: 1, metric: { kind: 'capped_tokens' }, usage };
    const parsed = titleRuleSchema.safeParse({ ...rule, ...fields });
    expect([...new Set(parsed.error?.issues.map((issue) => issue.path.join('.')))]).toEqual([path]);
  });
});
