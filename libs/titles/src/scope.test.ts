import { builtInRules } from './built-in-rules.js';
import { factsOf } from './metrics/facts.js';
import { event, NOW } from './metrics/window.fixture.js';
import { windowOf } from '@laurel/usage';
import { isScopeOf, standingsByScope } from './scope.js';
import { titleRuleSchema, type TitleRule } from './rule.js';

const [legend] = builtInRules;
const ofTeams: TitleRule = { ...legend, scope: 'each_team' };
const ofFamilies = (fields: object = {}): TitleRule =>
  titleRuleSchema.parse({ ...legend, metric: { kind: 'capped_tokens' }, scope: 'each_model_family', ...fields });
const use = (user_id: string, team: string | null, input: number) => event(0, { user_id, team, tokens: { input } });
const standings = (rule: TitleRule, events: Parameters<typeof factsOf>[0]) =>
  [...standingsByScope(rule, factsOf(events, windowOf('30d', NOW)))].map(([scope, all]) => [
    scope,
    all.map(({ userId, value, rank }) => `${rank} ${userId} ${value}`),
  ]);
const five = (team: string) => [1, 2, 3, 4, 5].map((index) => use(`${team}-${index}`, team, index * 100));

describe('a title of each team', () => {
  it('compares the people of a team with each other, and those without one with nobody', () => {
    expect(standings(ofTeams, [...five('red'), ...five('blue'), use('alone', null, 9999)])).toEqual([
      ['team:red', ['1 red-5 500', '2 red-4 400', '3 red-3 300', '4 red-2 200', '5 red-1 100']],
      ['team:blue', ['1 blue-5 500', '2 blue-4 400', '3 blue-3 300', '4 blue-2 200', '5 blue-1 100']],
    ]);
  });

  it('has no board for fewer than five', () => {
    expect(standings(ofTeams, five('red').slice(1))).toEqual([]);
  });

  it('counts all of a person’s usage in the team that most of it was recorded under', () => {
    const events = [...five('red'), ...five('blue'), use('red-1', 'blue', 50), use('blue-1', 'red', 101)];
    const [red, blue] = standings(ofTeams, events).map(([, people]) => people);
    expect(red).toContain('4 blue-1 201');
    expect(red).toContain('6 red-1 150');
    // Four are left.
    expect(blue).toBeUndefined();
  });

  it('puts whoever used two teams alike into the first of them by its bytes', () => {
    const events = [...five('red'), use('both', 'red', 70), use('both', 'blue', 70), ...five('blue')];
    const [red, blue] = standings(ofTeams, events).map(([, people]) => people);
    expect(blue).toContain('5 both 140');
    expect(red).toHaveLength(5);
  });

  it('is the company’s where the rule says so', () => {
    expect(standings(legend, five('red')).map(([scope]) => scope)).toEqual(['company']);
    expect([isScopeOf(legend, 'company'), isScopeOf(legend, 'team:red')]).toEqual([true, false]);
    expect([isScopeOf(ofTeams, 'company'), isScopeOf(ofTeams, 'team:red')]).toEqual([false, true]);
  });
});

describe('a title of each model family', () => {
  const call = (user_id: string, model: string, tokens: object, daysAgo = 0) =>
    event(daysAgo, { user_id, model, tokens });
  const people = ['ada', 'bo', 'cy', 'di', 'eve'];

  it('compares people by what they used of the family, under whatever name, and by nothing else', () => {
    const events = people.flatMap((user, index) => [
      call(user, 'gpt-5', { input: 100 * (index + 1) }),
      call(user, 'azure/gpt-5', { input: 1 }),
      call(user, 'gemini-2.5-pro', { input: 1000 - index }),
    ]);
    expect(standings(ofFamilies(), events)).toEqual([
      ['family:gpt-5', ['1 eve 501', '2 di 401', '3 cy 301', '4 bo 201', '5 ada 101']],
      ['family:gemini-2.5-pro', ['1 ada 1000', '2 bo 999', '3 cy 998', '4 di 997', '5 eve 996']],
    ]);
  });

  it('has no board for a family that fewer than five use', () => {
    const events = [
      ...people.map((user) => call(user, 'gpt-5', { input: 1 })),
      ...people.slice(1).map((user) => call(user, 'tiny', { input: 1 })),
    ];
    expect(standings(ofFamilies(), events).map(([scope]) => scope)).toEqual(['family:gpt-5']);
  });

  it('asks for its minima in the usage of the family, and takes the share of a cache from it alone', () => {
    const events = people.flatMap((user, index) => [
      call(user, 'gpt-5', { input: 100, cache_read: 100, output: 100 }),
      call(user, 'gpt-5', { input: index * 10 }, 1),
      call(user, 'tiny', { input: 1000 }, 2),
    ]);
    const two = ofFamilies({ metric: { kind: 'active_days' }, eligibility: { min_active_days: 2, min_tokens: 320 } });
    expect(standings(two, events)).toEqual([
      ['family:gpt-5', ['1 cy 2', '1 di 2', '1 eve 2', '0 bo 2', '0 ada 1']],
      ['family:tiny', ['0 ada 1', '0 bo 1', '0 cy 1', '0 di 1', '0 eve 1']],
    ]);
    const shares = standings(ofFamilies({ metric: { kind: 'cache_share', prior_tokens: 0 }, eligibility: {} }), events);
    const shareOf = (share: number): number => Number(share.toFixed(12));
    expect(shares[0]).toEqual([
      'family:gpt-5',
      [
        '1 ada 0.5',
        `2 bo ${shareOf(100 / 210)}`,
        `3 cy ${shareOf(100 / 220)}`,
        `4 di ${shareOf(100 / 230)}`,
        `5 eve ${shareOf(100 / 240)}`,
      ],
    ]);
  });

  it.each([
    ['metric.kind', { metric: { kind: 'longest_session' } }],
    ['metric.kind', { metric: { kind: 'effective_models' } }],
    ['eligibility.min_sessions', { eligibility: { min_sessions: 1 } }],
  ])('refuses what is not known of each model: %s', (path, fields) => {
    const parsed = titleRuleSchema.safeParse({
      ...legend,
      metric: { kind: 'capped_tokens' },
      scope: 'each_model_family',
      ...fields,
    });
    expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toEqual([path]);
  });

  it('has scopes of its own', () => {
    expect(['company', 'team:gpt-5', 'family:gpt-5'].map((scope) => isScopeOf(ofFamilies(), scope))).toEqual([
      false,
      false,
      true,
    ]);
  });
});
