import { builtInRules } from './built-in-rules.js';
import { publishedRules, RuleBook, RulesNotUnderstood } from './rule-book.js';
import { ruleChanges } from './rule-change.js';
import type { TitleRule } from './rule.js';

const [legend, connoisseur] = builtInRules;
const bookOf = (...published: readonly (readonly TitleRule[])[]): RuleBook => {
  const book = new RuleBook();
  published.forEach((rules, offset) => {
    book.add(offset, publishedRules(rules, offset));
  });
  return book;
};
const changes = (book: RuleBook, to: readonly TitleRule[]): unknown[] =>
  ruleChanges(book, to).map((change) => [change.kind, change.id, ...(change.kind === 'refused' ? [change.code] : [])]);
const wider: TitleRule = { ...legend, window: '90d' };

describe('the rules in force', () => {
  it('are Laurel’s own until some are published, then the last ones', () => {
    expect(bookOf()).toMatchObject({ rules: builtInRules, offset: -1 });
    expect(bookOf([legend, connoisseur], [connoisseur])).toMatchObject({ rules: [connoisseur], offset: 1 });
    expect(bookOf([]).rules).toEqual([]);
  });

  it('are taken once, however often a record comes', () => {
    const book = bookOf([legend], [connoisseur]);
    book.add(0, publishedRules([legend], 0));
    expect(book.rules).toEqual([connoisseur]);
  });

  it('are never guessed: what is not understood is an error, and nothing of it is taken', () => {
    const book = bookOf([legend]);
    for (const rules of [
      '',
      'null',
      '[{"id":"x"}]',
      JSON.stringify([{ ...legend, metric: { kind: 'of the future' } }]),
    ]) {
      expect(() => book.add(1, { rules })).toThrow(RulesNotUnderstood);
    }
    expect(book.rules).toEqual([legend]);
  });
});

describe('a change of rules', () => {
  it('is nothing where nothing differs', () => {
    expect(changes(bookOf(), builtInRules)).toEqual([]);
    const reordered = {
      ...legend,
      eligibility: { min_tenure_days: 0, min_list_cost_usd: 0, min_sessions: 0, min_active_days: 0, min_tokens: 1 },
    };
    expect(changes(bookOf([legend]), [reordered])).toEqual([]);
  });

  it('may put other words, an icon and bounds in time under the same version', () => {
    const reworded = { ...legend, description: 'Most of all.', icon: '👑', valid_until: '2027-01-01' };
    expect(changes(bookOf([legend]), [reworded])).toEqual([['reworded', 'token_legend']]);
  });

  it.each([
    ['the window', { window: '90d' }],
    ['the metric', { metric: { ...legend.metric, daily_cap: 5 } }],
    ['who may hold it', { eligibility: { ...legend.eligibility, min_active_days: 3 } }],
    ['the margin', { margin: { kind: 'relative', by: 0.5 } }],
    ['the dwelling', { dwell_hours: 24 }],
    ['the number of holders', { holders: 2 }],
    ['what it leaves out', { fair_play: { exclude: ['spike'] } }],
    ['the tiers', { tiers: { by: 'value', levels: { gold: 5 }, margin: { kind: 'relative', by: 0.1 } } }],
  ] as const)('that judges differently (%s) needs a higher version', (_, fields) => {
    const changed = { ...legend, ...fields } as TitleRule;
    expect(changes(bookOf([legend]), [changed])).toEqual([['refused', 'token_legend', 'version_not_raised']]);
    expect(changes(bookOf([legend]), [{ ...changed, version: legend.version + 1 }])).toEqual([
      ['rejudged', 'token_legend'],
    ]);
  });

  it('never goes back in its versions, not even after the title was removed', () => {
    const back = [['refused', 'token_legend', 'version_lowered']];
    expect(changes(bookOf([{ ...legend, version: 9 }]), [legend])).toEqual(back);
    expect(changes(bookOf([{ ...legend, version: 9 }], []), [legend])).toEqual(back);
    expect(changes(bookOf([{ ...wider, version: 9 }], []), [{ ...wider, version: 9 }])).toEqual([
      ['added', 'token_legend'],
    ]);
  });

  it('says what is added and what is removed', () => {
    const own: TitleRule = { ...legend, id: 'own' };
    expect(changes(bookOf([legend, connoisseur]), [own, connoisseur])).toEqual([
      ['added', 'own'],
      ['removed', 'token_legend'],
    ]);
  });
});
