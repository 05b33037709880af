import type { BoardEntry, PersonTitle, Tiers, Title, TitleRule } from '../api/answers.js';
import { fullMetricText, metricText, movementOf } from './metrics.js';
import { cacheShareOf, costText, shortText, usdText, valueText, wholeText } from './numbers.js';
import { keptText, levelText, nextTierText } from './tiers.js';
import { agoText, minutesText, weekdayOf } from './times.js';
import { conditionsOf, distanceText, evidenceText, progressOf, scopeText } from './titles.js';

const title = {
  metric: { kind: 'capped_tokens' },
  eligibility: { min_tokens: 1, min_active_days: 0, min_sessions: 0, min_list_cost_usd: 0, min_tenure_days: 0 },
  fair_play: null,
  margin: { kind: 'relative', by: 0.02 },
  max_holders: 1,
  dwell_hours: 0,
  valid_until: null,
} as unknown as Title;

const own = (fields: Partial<PersonTitle>): PersonTitle => ({
  title_id: 't',
  scope: 'company',
  status: 'behind',
  value: 80,
  unit: 'minutes',
  rank: 2,
  evidence: {},
  lacks: [],
  to_beat: 100,
  beyond: 102,
  dwells_until: null,
  held_since: null,
  ...fields,
});

describe('numbers as people read them', () => {
  it('are short with three digits, small ones whole, and never lose a digit where all are asked for', () => {
    expect(['0', '7', '999', '1000', '43210000', '9007199254740993'].map(shortText)).toEqual([
      '0',
      '7',
      '999',
      '1.00K',
      '43.2M',
      '9010T',
    ]);
    expect(wholeText('9007199254740993')).toBe('9,007,199,254,740,993');
    expect([0.5, 12.345, 12_345].map(usdText)).toEqual(['$0.50', '$12.35', '$12.3K']);
  });

  it('say of a cost that it is not all of it', () => {
    const costs = (list_cost_usd: string, unpriced_events: string) =>
      costText({ list_cost_usd, unpriced_events, cache_saving_usd: '0' });
    expect([costs('1.5', '0'), costs('1.5', '2'), costs('0', '2'), costs('0', '0')]).toEqual([
      '$1.50',
      '≥ $1.50',
      '–',
      '$0.00',
    ]);
  });

  it('have the unit of their title', () => {
    expect(valueText(0.6472, 'ratio')).toBe('64.7%');
    expect(valueText(5_120_000, 'micro_usd')).toBe('$5.12');
    expect(valueText(5.534, 'models')).toBe('5.53 models');
    expect([1, 31].map((days) => valueText(days, 'days'))).toEqual(['1 day', '31 days']);
    expect([valueText(1, 'points'), valueText(5.2, 'points_per_usd')]).toEqual(['1 point', '5.20 points/$']);
  });

  it('say of a metric what it counts', () => {
    expect([metricText('list_cost_micro_usd', '1500000'), fullMetricText('list_cost_micro_usd', '1500000')]).toEqual([
      '$1.50',
      '$1.50',
    ]);
    expect(fullMetricText('events', '1234')).toBe('1,234 calls');
  });

  it('tell places won since yesterday, and nothing of whoever was not there', () => {
    const entry = (rank: number, previous_rank: number | null) => ({ rank, previous_rank }) as BoardEntry;
    expect([entry(2, 5), entry(5, 2), entry(3, 3), entry(1, null)].map(movementOf)).toEqual([3, -3, 0, null]);
  });

  it('have no cache share without input', () => {
    const figures = {
      input_tokens: '0',
      cache_read_tokens: '0',
      cache_write_5m_tokens: '0',
      cache_write_1h_tokens: '0',
      cache_write_tokens: '0',
    };
    expect(cacheShareOf(figures as BoardEntry)).toBeUndefined();
    expect(cacheShareOf({ ...figures, input_tokens: '1', cache_read_tokens: '3' } as BoardEntry)).toBe(0.75);
  });
});

describe('times as people read them', () => {
  it('are ago', () => {
    const now = Date.parse('2026-05-14T10:00:00Z');
    expect(
      ['2026-05-14T09:59:30Z', '2026-05-14T08:30:00Z', '2026-05-11T10:00:00Z', '2026-05-15T00:00:00Z'].map((time) =>
        agoText(time, now),
      ),
    ).toEqual(['now', '1 hour ago', '3 days ago', 'now']);
  });

  it('are hours and minutes', () => {
    expect([0, 59, 60, 125].map(minutesText)).toEqual(['0 min', '59 min', '1 h', '2 h 5 min']);
  });

  it('begin the week on a Monday', () => {
    expect(['2026-05-11', '2026-05-17'].map(weekdayOf)).toEqual([0, 6]);
  });
});

describe('titles in plain words', () => {
  it('say what they ask for', () => {
    expect(conditionsOf(title)).toEqual(['Open to everybody with usage.', 'A challenger has to be ahead by 2%.']);
    expect(
      conditionsOf({
        ...title,
        eligibility: {
          min_tokens: 100_000,
          min_active_days: 1,
          min_sessions: 10,
          min_list_cost_usd: 5,
          min_tenure_days: 0,
        },
        margin: { kind: 'remainder', by: 0.02 },
        max_holders: 3,
        dwell_hours: 24,
      }),
    ).toEqual([
      'Needs at least 100K tokens, 10 sessions, 1 active day and $5.00 by list prices.',
      'A challenger has to close 2% of what the holder lacks to 100 %.',
      'Kept for at least 24 hours.',
      'Up to 3 people hold it at a time.',
    ]);
  });

  it('say what does not count, of signals that are not known too', () => {
    const fair: TitleRule = {
      ...title,
      metric: { kind: 'capped_tokens', daily_cap: 100_000_000, tokens_per_own_minute: 500_000 },
      fair_play: { exclude: ['unbroken_run', 'round_the_clock', 'of_tomorrow'] },
    };
    expect(
      conditionsOf({ ...fair, metric: { kind: 'quotient', of: fair.metric, per: { kind: 'active_days' } } }),
    ).toEqual(conditionsOf(fair));
    expect(conditionsOf(fair).slice(1, 3)).toEqual([
      'An hour counts by its minutes with a call of one’s own, up to 500K tokens for each: what agents use while nobody asks counts for nothing.',
      'Days do not count on which one’s own calls went on for hours without a pause, one’s own calls came around the clock or of tomorrow.',
    ]);
  });

  it('say what is missing', () => {
    expect(distanceText(own({}))).toBe('22 min short of taking it.');
    expect(distanceText(own({ beyond: null, unit: 'tokens', value: 1_000_000, to_beat: 3_000_000 }))).toBe(
      '2.00M tokens short of taking it.',
    );
    expect(
      distanceText(own({ status: 'not_eligible', lacks: [{ minimum: 'min_active_days', has: 3, needs: 5 }] })),
    ).toBe('Needs 2 more active days to be in the running.');
    expect(
      distanceText(own({ status: 'not_eligible', lacks: [{ minimum: 'min_list_cost_usd', has: 3.75, needs: 5 }] })),
    ).toBe('Needs 2 more dollars by list prices to be in the running.');
    expect([
      distanceText(own({ status: 'not_eligible', value: 0 })),
      distanceText(own({ status: 'not_eligible', value: 0, evidence: { tokens: 5170, points: 1 } })),
      distanceText(own({ status: 'not_eligible', value: -40_000 })),
    ]).toEqual([
      'No usage yet that counts for it.',
      'Not above zero yet, which it takes to be in the running.',
      'Not above zero yet, which it takes to be in the running.',
    ]);
    expect(distanceText(own({ status: 'holds', rank: 1 }))).toBe('Holds it now, and leads.');
    expect(
      [own({}), own({ status: 'holds' }), own({ lacks: [{ minimum: 'm', has: 3, needs: 4 }] })].map(progressOf),
    ).toEqual([80 / 102, 1, 0.75]);
  });

  it('say why, of rules that are not known too, and nothing of whoever shows nothing', () => {
    expect(
      evidenceText(
        { kind: 'capped_tokens' },
        { events: '796', active_days: '30', capped_days: '0', daily_cap: '100000000' },
      ),
    ).toBe('796 calls on 30 active days, no day over the daily cap of 100M.');
    expect(
      evidenceText(
        { kind: 'capped_tokens' },
        { events: '796', own_minutes: '1234', active_days: '30', capped_days: '1', daily_cap: '100000000' },
      ),
    ).toBe('796 calls and 1,234 minutes of asking on 30 active days; 1 day reached the daily cap of 100M.');
    expect(
      evidenceText({ kind: 'effective_models' }, { families: '2', active_days: '5', shares: '{"a":0.6,"b":0.4}' }),
    ).toBe('2 model families in balance over 5 active days: a 60%, b 40%.');
    const made = { pull_request_merged: '1', commit: '45', edit_accepted: '0', daily_cap: '100', active_days: '12' };
    expect(evidenceText({ kind: 'outcomes' }, { ...made, capped_days: '0' })).toBe(
      '1 merged pull request and 45 commits on 12 active days.',
    );
    expect(
      evidenceText(
        { kind: 'outcomes_per_usd' },
        {
          ...made,
          edit_accepted: '30',
          capped_days: '2',
          list_cost_micro_usd: '12300000',
        },
      ),
    ).toBe(
      '1 merged pull request, 45 commits and 30 accepted edits for $12.30 by list prices; 2 days reached the daily cap of 100 points.',
    );
    const thrift = { tokens: '900000', points: '90', tokens_before: '3000000', points_before: '100' };
    expect(evidenceText({ kind: 'thrift_gain' }, { ...thrift, most_over_median_per_mille: '250' })).toBe(
      '10.0K tokens for each point of outcomes; in the days before 30.0K tokens for each point of outcomes.',
    );
    expect(
      evidenceText(
        { kind: 'thrift_gain' },
        { ...thrift, company_median_before: 40_000, most_over_median_per_mille: '250' },
      ),
    ).toBe('10.0K tokens for each point of outcomes; in the days before 30.0K tokens for each point of outcomes.');
    expect(
      evidenceText(
        { kind: 'thrift_gain' },
        { ...thrift, company_median_before: 16_000, most_over_median_per_mille: '250' },
      ),
    ).toContain('in the days before 30.0K tokens for each point of outcomes, of which 20.0K count.');
    expect(evidenceText({ kind: 'of_tomorrow' }, { lines_kept: '12', ratio: 3.2 })).toBe('lines kept 12 and ratio 3.');
    expect(evidenceText({ kind: 'capped_tokens' }, {})).toBeUndefined();
  });
});

describe('tiers in plain words', () => {
  const byValue: Tiers = {
    by: 'value',
    levels: [
      { tier: 'bronze', at: 10 },
      { tier: 'gold', at: 100 },
    ],
    margin: { kind: 'relative', by: 0.1 },
  };
  const byRank: Tiers = { ...byValue, by: 'top_per_mille', levels: [{ tier: 'silver', at: 25 }] };
  const days = own({ unit: 'days', value: 80 });

  it('say how far it is to the next one', () => {
    expect(nextTierText(byValue, undefined, own({ unit: 'days', value: 8 }))).toBe(
      '2 days more to Bronze, at 10 days.',
    );
    expect(nextTierText(byValue, 'bronze', days)).toBe('20 days more to Gold, at 100 days.');
    // One that the rule has no more.
    expect(nextTierText(byValue, 'silver', days)).toBe('20 days more to Gold, at 100 days.');
    expect(nextTierText(byValue, 'gold', days)).toBe('The highest tier there is.');
    expect(nextTierText(byValue, undefined, days)).toBe('Bronze is reached at 10 days: it is about to be given.');
    expect(nextTierText(byRank, undefined, days)).toBe('Silver is for the best 2.5%.');
    expect(nextTierText(byValue, undefined, own({ status: 'not_eligible', unit: 'days' }))).toBe(
      'Bronze is for 10 days, once in the running.',
    );
    const share = own({ unit: 'ratio', value: 0.5 });
    const half: Tiers = { ...byValue, levels: [{ tier: 'gold', at: 0.75 }] };
    expect(nextTierText(half, undefined, share)).toBe('25 percentage points more to Gold, at 75%.');
  });

  it('say what one asks for, and how it is lost', () => {
    expect([levelText(byValue, { at: 10 }, 'days'), levelText(byRank, { at: 5 }, 'days')]).toEqual([
      '10 days',
      'the best 0.5%',
    ]);
    expect(keptText(byValue)).toBe('Once reached, a tier is kept until the value is 10% below what it asks for.');
    expect(keptText(byRank)).toBe('Once reached, a tier is kept until the value is 10% below the last one within it.');
  });

  it('name the scope of a title', () => {
    expect(['company', 'team:web', 'family:claude-opus-4-6'].map(scopeText)).toEqual([
      'the whole company',
      'web',
      'claude-opus-4-6',
    ]);
  });

  it('have values of both units of a quotient', () => {
    expect([
      valueText(5_120_000, 'micro_usd/days'),
      valueText(3.2, 'micro_usd/tokens'),
      valueText(0.5, 'tokens/micro_usd'),
    ]).toEqual(['$5.12 a day', '$3.20 per million tokens', '500K tokens per dollar']);
    expect(
      evidenceText(
        { kind: 'quotient', of: { kind: 'list_cost' }, per: { kind: 'active_days' } },
        { of_value: 51_200_000, per_value: 10 },
      ),
    ).toBe('$51.20 over 10 days.');
  });

  it('say of a rule which usage counts', () => {
    expect(conditionsOf({ ...title, usage: { model_families: ['a', 'b'], providers: ['bedrock'] } })).toContain(
      'Counts only what was used of a and b.',
    );
  });
});
