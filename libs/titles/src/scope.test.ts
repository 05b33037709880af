import { builtInRules } from './built-in-rules.js';
import { factsOf } from './metrics/facts.js';
import { event, NOW } from './metrics/window.fixture.js';
import { windowOf } from '@laurel/usage';
import { isScopeOf, standingsByScope } from './scope.js';
import type { TitleRule } from './rule.js';

const [legend] = builtInRules;
const ofTeams: TitleRule = { ...legend, scope: 'each_team' };
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
