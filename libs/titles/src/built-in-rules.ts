import { tokenClasses } from '@laurel/events';
import type { TitleRule } from './rule.js';

const window = '30d';
const scope = 'company';
const holders = 1;
const dwell_hours = 0;
const margin = { kind: 'relative', by: 0.02 } as const;
/** What outcomes are worth beside each other, and how much of a day counts. */
const points = { weights: { edit_accepted: 1, commit: 5, pull_request_merged: 20 }, daily_cap: 100 } as const;

/** Calls that are published as one’s own, and go on as nobody does. */
const UNATTENDED = ['unbroken_run', 'round_the_clock'] as const;

/** The titles that Laurel brings; the exact formulas stand beside each metric's computation in `metrics/`. */
export const builtInRules = [
  {
    id: 'token_legend',
    name: 'Token Legend',
    description:
      'Most tokens of successful calls, one’s own and one’s agents’, in 30 days; an hour counts up to 500,000 for each minute of it in which one asked oneself, a day up to 100 million, so that agents left alone gain nothing. A day of own calls without a pause, or round the clock, does not count.',
    version: 2,
    metric: {
      kind: 'capped_tokens',
      daily_cap: 100_000_000,
      classes: [...tokenClasses],
      tokens_per_own_minute: 500_000,
    },
    window,
    scope,
    eligibility: { min_tokens: 1, min_active_days: 0, min_sessions: 0, min_list_cost_usd: 0, min_tenure_days: 0 },
    fair_play: { exclude: [...UNATTENDED] },
    holders,
    margin,
    dwell_hours,
  },
  {
    id: 'model_connoisseur',
    name: 'Model Connoisseur',
    description:
      'Uses the most models evenly, day by day, in 30 days: the effective number of model families, those under 1 % left out.',
    version: 1,
    metric: { kind: 'effective_models', min_share_per_mille: 10 },
    window,
    scope,
    eligibility: { min_tokens: 100_000, min_active_days: 5, min_sessions: 0, min_list_cost_usd: 0, min_tenure_days: 0 },
    holders,
    margin,
    dwell_hours,
  },
  {
    id: 'cache_wizard',
    name: 'Cache Wizard',
    description:
      'Reads the greatest share of input from the cache in 30 days, over at least 10 sessions on 5 days; small samples are drawn toward the company’s own share, and reads that nothing is written for don’t count.',
    version: 2,
    metric: { kind: 'cache_share', prior_tokens: 1_000_000, reads_per_output: 500 },
    window,
    scope,
    eligibility: { min_tokens: 0, min_active_days: 5, min_sessions: 10, min_list_cost_usd: 0, min_tenure_days: 0 },
    holders,
    margin: { kind: 'remainder', by: 0.02 },
    dwell_hours,
  },
  {
    id: 'session_immortal',
    name: 'Session Immortal',
    description:
      'The longest session in 30 days by minutes in which the person themselves asked; half an hour of silence ends it, and a day counts up to 12 hours.',
    version: 1,
    metric: { kind: 'longest_session', max_gap_minutes: 30, daily_cap_minutes: 720 },
    window,
    scope,
    eligibility: { min_tokens: 0, min_active_days: 0, min_sessions: 0, min_list_cost_usd: 0, min_tenure_days: 0 },
    holders,
    margin,
    dwell_hours,
  },
  {
    id: 'master_crafter',
    name: 'Master Crafter',
    description:
      'Most outcomes for each dollar in 30 days: a merged pull request gives 20 points, a commit 5, an accepted edit 1, up to 100 a day; the tokens are priced by list, and at least 5 dollars have to be spent.',
    version: 1,
    metric: { kind: 'outcomes_per_usd', ...points, max_unpriced_per_mille: 10 },
    window,
    scope,
    eligibility: { min_tokens: 0, min_active_days: 10, min_sessions: 0, min_list_cost_usd: 5, min_tenure_days: 0 },
    holders,
    margin,
    dwell_hours,
  },
  {
    id: 'frugal_sage',
    name: 'Frugal Sage',
    description:
      'Needs fewer tokens for the same outcomes than before: how far tokens for each point have fallen in 14 days, against one’s own 14 days before.',
    version: 1,
    metric: {
      kind: 'thrift_gain',
      ...points,
      min_tokens_each: 1_000_000,
      min_points_each: 50,
      most_over_median_per_mille: 250,
    },
    window: '14d',
    scope,
    eligibility: { min_tokens: 0, min_active_days: 3, min_sessions: 0, min_list_cost_usd: 0, min_tenure_days: 0 },
    holders,
    margin: { kind: 'remainder', by: 0.02 },
    dwell_hours,
  },
] as const satisfies readonly TitleRule[];
