import { tokenClasses } from '@laurel/events';
import { signalIds } from '@laurel/fair-play';
import { dayKey, dayOf, isWindowName, MAX_WINDOW_DAYS } from '@laurel/usage';
import { z } from 'zod';
import { marginSchema } from './margin.js';
import { tiersSchema } from './tiers/tier.js';

export { marginSchema, type Margin } from './margin.js';

const count = z.int().min(0);

const weight = z.int().min(0).max(1000);

/** As many days of a cap as any window can have (89 years of them) are exact as a number: 2^15 · 2^38 = 2^53. */
const dailyCap = z
  .int()
  .min(1)
  .max(2 ** 38);

/** What outcomes are worth beside each other, and how much of a day counts; see `metrics/points.ts`. */
const points = {
  weights: z
    .strictObject({
      edit_accepted: weight.default(1).describe('points of an edit that was suggested and accepted'),
      commit: weight.default(5).describe('points of a commit'),
      pull_request_merged: weight.default(20).describe('points of a merged pull request'),
    })
    .refine((weights) => Object.values(weights).some((one) => one > 0), 'gives points for nothing')
    .prefault({}),
  daily_cap: z
    .int()
    .min(1)
    .max(2 ** 20)
    .default(100)
    .describe('points of one UTC day that count at most'),
};

/** What a title measures, with its parameters. Each kind's exact definition stands in `metrics/`. */
const plainMetricSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('capped_tokens').describe('tokens, each UTC day up to a cap'),
      daily_cap: dailyCap.default(100_000_000).describe('tokens of one UTC day that count at most, 1 to 2^38'),
      classes: z
        .array(z.enum(tokenClasses))
        .min(1)
        .refine((classes) => new Set(classes).size === classes.length, 'has a class twice')
        .default([...tokenClasses])
        .describe('which token classes are added up; all unless said'),
      tokens_per_own_minute: dailyCap
        .optional()
        .describe(
          'tokens of one UTC hour that count at most, for each of its minutes with a call of the person’s own; without a bound unless said',
        ),
    })
    .refine(
      ({ tokens_per_own_minute: bound, classes }) => bound === undefined || classes.length === tokenClasses.length,
      {
        path: ['tokens_per_own_minute'],
        message: 'needs all classes',
      },
    ),
  z.strictObject({
    kind: z
      .literal('effective_models')
      .describe('effective number of model families: exp of the entropy of their shares'),
    min_share_per_mille: z
      .int()
      .min(1)
      .max(500)
      .default(10)
      .describe('a family with less of the person’s tokens is left out, in thousandths'),
  }),
  z.strictObject({
    kind: z.literal('cache_share').describe('share of input read from a cache, drawn toward the company’s'),
    prior_tokens: z
      .int()
      .min(0)
      .max(2 ** 44)
      .default(1_000_000)
      .describe('with how many tokens’ weight the company’s own share is mixed in'),
    reads_per_output: z
      .int()
      .min(1)
      .max(2 ** 20)
      .default(500)
      .describe('cache reads of one UTC day that count at most, for each token of output on that day'),
  }),
  z.strictObject({
    kind: z.literal('longest_session').describe('active minutes of the longest session'),
    max_gap_minutes: z
      .int()
      .min(1)
      .max(1440)
      .default(30)
      .describe('two active minutes further apart than this belong to two runs'),
    daily_cap_minutes: z
      .int()
      .min(1)
      .max(1440)
      .default(720)
      .describe('active minutes of one UTC day that count at most'),
  }),
  z.strictObject({
    kind: z.literal('list_cost').describe('what counted usage costs by list prices, in millionths of a US dollar'),
  }),
  z.strictObject({
    kind: z
      .literal('cache_saving')
      .describe(
        'what caching saved by list prices, less what writing to caches cost more, in millionths of a US dollar',
      ),
  }),
  z.strictObject({
    kind: z.literal('outcomes').describe('accepted edits, commits and merged pull requests, in points'),
    ...points,
  }),
  z.strictObject({
    kind: z
      .literal('outcomes_per_usd')
      .describe('points of outcomes for each US dollar that usage costs by list prices'),
    ...points,
    max_unpriced_per_mille: z
      .int()
      .min(0)
      .max(1000)
      .default(10)
      .describe(
        'events without a known price that a person may have, in thousandths; with more their cost is not known',
      ),
  }),
  z.strictObject({
    kind: z
      .literal('thrift_gain')
      .describe('how far tokens for each point of outcomes have fallen against the person’s own window before'),
    ...points,
    min_tokens_each: z
      .int()
      .min(1)
      .default(1_000_000)
      .describe('tokens that a person needs in the window, and in the one before'),
    min_points_each: z.int().min(1).default(50).describe('points that a person needs in each of them'),
    most_over_median_per_mille: z
      .int()
      .min(0)
      .max(100_000)
      .default(250)
      .describe(
        'how far above the median of everybody’s tokens for each point somebody’s own count before, in thousandths of it',
      ),
  }),
  z.strictObject({
    kind: z.literal('active_days').describe('UTC days with counted tokens'),
  }),
  z.strictObject({
    kind: z.literal('longest_streak').describe('the longest run of consecutive active UTC days'),
    weekends: z
      .enum(['count', 'skip'])
      .default('skip')
      .describe('skip: a Saturday or Sunday without usage does not end a streak, and adds nothing unless used'),
  }),
]);

type PlainMetric = z.output<typeof plainMetricSchema>;

/** Sums, and what they may be divided by: all are at least a day's, a token's or a millionth's. */
const DIVIDENDS: ReadonlySet<string> = new Set<PlainMetric['kind']>(['capped_tokens', 'list_cost', 'cache_saving']);
const DIVISORS: ReadonlySet<string> = new Set<PlainMetric['kind']>(['active_days', 'capped_tokens', 'list_cost']);

const quotientSchema = z
  .strictObject({
    kind: z.literal('quotient').describe('one metric divided by another, such as cost for each active day'),
    of: plainMetricSchema
      .refine(({ kind }) => DIVIDENDS.has(kind), `is none of ${[...DIVIDENDS].join(', ')}`)
      .describe(`what is divided: one of ${[...DIVIDENDS].join(', ')}`),
    per: plainMetricSchema
      .refine(({ kind }) => DIVISORS.has(kind), `is none of ${[...DIVISORS].join(', ')}`)
      .describe(`by what: one of ${[...DIVISORS].join(', ')}, and another than that`),
  })
  .refine(({ of, per }) => of.kind !== per.kind, { path: ['per', 'kind'], message: 'is what is divided itself' });

export const metricSchema = z.discriminatedUnion('kind', [...plainMetricSchema.options, quotientSchema]);

const someNames = z
  .array(z.string().min(1).max(256))
  .min(1)
  .max(100)
  .refine((names) => new Set(names).size === names.length, 'has a name twice');

/** Which usage counts for a title. Origin is not among it: days don't tell it. */
export const usageFilterSchema = z
  .strictObject({
    providers: someNames.optional().describe('of these providers, as events name them'),
    model_families: someNames
      .optional()
      .describe('of models of these families, whatever names they were published under'),
  })
  .refine(({ providers, model_families: families }) => providers !== undefined || families !== undefined, {
    message: 'names neither providers nor model_families',
  });

export const eligibilitySchema = z.strictObject({
  min_tokens: count.default(0).describe('counted tokens in the window, of all classes and uncapped'),
  min_active_days: count.default(0).describe('UTC days with counted tokens'),
  min_sessions: count.default(0).describe('distinct sessions with counted events'),
  min_list_cost_usd: count.default(0).describe('whole US dollars that counted usage costs by list prices'),
  min_tenure_days: count
    .default(0)
    .describe('UTC days since the first counted event ever, that day and today included: newcomers wait'),
});

export const fairPlaySchema = z.strictObject({
  exclude: z
    .array(z.enum(signalIds))
    .min(1)
    .refine((signals) => new Set(signals).size === signals.length, 'has a signal twice')
    .describe('signals of fair play: a day with one of them does not count for the person'),
});

/** Whether a metric's values are at most 1, which nobody reaches. */
const isShare = (kind: string): boolean => kind === 'cache_share' || kind === 'thrift_gain';

/** Whether a metric can be told of some models alone: sessions, minutes and outcomes can't. */
function isOfModels(metric: z.output<typeof metricSchema>): boolean {
  switch (metric.kind) {
    case 'capped_tokens':
    case 'effective_models':
    case 'cache_share':
    case 'list_cost':
    case 'cache_saving':
    case 'active_days':
    case 'longest_streak':
      return true;
    case 'quotient':
      return isOfModels(metric.of) && isOfModels(metric.per);
    case 'longest_session':
    case 'outcomes':
    case 'outcomes_per_usd':
    case 'thrift_gain':
      return false;
    default:
      return metric satisfies never;
  }
}

/** Whether a metric looks at hours; like sessions, they are not told of each model. */
export const asksHours = (metric: z.output<typeof metricSchema>): boolean =>
  metric.kind === 'quotient'
    ? asksHours(metric.of) || asksHours(metric.per)
    : metric.kind === 'capped_tokens' && metric.tokens_per_own_minute !== undefined;

/** As `isWindowName`, for what reads no TypeScript. */
const WINDOW = /^([1-9]\d?|[12]\d\d|3[0-5]\d|36[0-6])d$|^(week|month|all)$/;

const day = z.iso.date('is not a day of the calendar, as 2026-11-30');

export const titleRuleSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,63}$/, 'is lower-case letters, digits and underscores, beginning with a letter')
      .describe('part of the key of awards: never reused for another meaning'),
    name: z.string().min(1).max(80),
    description: z.string().min(1).max(500).describe('what the board says: the rule in plain words'),
    icon: z
      .string()
      .min(1)
      .max(16)
      .optional()
      .describe('what the board shows beside the name: an emoji, or a few letters'),
    version: z
      .int()
      .min(1)
      .max(2 ** 31 - 1)
      .describe(
        'raised whenever the judging changes (not for better words): the title is then judged anew, without margin',
      ),
    metric: metricSchema,
    window: z
      .string()
      .regex(WINDOW, { error: `is not 1d to ${MAX_WINDOW_DAYS}d, week, month or all`, abort: true })
      .refine(isWindowName)
      .default('30d')
      .describe(
        'the last n UTC days, today included (30d); the calendar week (Monday first) or month so far; or all time',
      ),
    scope: z
      .enum(['company', 'each_team', 'each_model_family'])
      .default('company')
      .describe(
        'whom the standings compare: everybody, the people of each team, or those who use each model family, by what they use of it; five people at least',
      ),
    usage: usageFilterSchema
      .optional()
      .describe('which usage counts, for the metric and what somebody needs; all unless said'),
    eligibility: eligibilitySchema.prefault({}).describe('what somebody needs to hold it'),
    fair_play: fairPlaySchema.optional().describe('which flagged days of a person are left out; none unless said'),
    holders: z.int().min(1).max(100).default(1).describe('how many may hold it at a time'),
    margin: marginSchema
      .default({ kind: 'relative', by: 0.02 })
      .describe('how far a challenger has to be ahead of the holder'),
    dwell_hours: z
      .int()
      .min(0)
      .max(8784)
      .default(0)
      .describe('for so long after the award nobody can overtake the holder, whatever the lead'),
    tiers: tiersSchema
      .optional()
      .describe('levels that everybody who is eligible can reach on the metric; none unless said'),
    valid_from: day.optional().describe('awarded from this UTC day on'),
    valid_until: day.optional().describe('awarded up to this UTC day, included; afterwards nobody holds it'),
  })
  .refine((rule) => rule.margin.kind !== 'remainder' || isShare(rule.metric.kind), {
    path: ['margin', 'kind'],
    message: 'a margin of the remainder needs a metric that is a share',
  })
  .refine((rule) => rule.metric.kind !== 'thrift_gain' || /^\d+d$/.test(rule.window), {
    path: ['window'],
    message: 'is to be a number of days, as thrift_gain compares with as many days before',
  })
  .refine((rule) => rule.tiers?.margin.kind !== 'remainder' || isShare(rule.metric.kind), {
    path: ['tiers', 'margin', 'kind'],
    message: 'a margin of the remainder needs a metric that is a share',
  })
  .refine((rule) => !asksModels(rule) || isOfModels(rule.metric), {
    path: ['metric', 'kind'],
    message: 'is not known of each model, as usage or the scope each_model_family asks',
  })
  .refine((rule) => !asksModels(rule) || !asksHours(rule.metric), {
    path: ['metric'],
    message:
      'has tokens_per_own_minute, which is not known of each model, as usage or the scope each_model_family asks',
  })
  .refine((rule) => !asksModels(rule) || rule.eligibility.min_sessions === 0, {
    path: ['eligibility', 'min_sessions'],
    message: 'is not known of each model, as usage or the scope each_model_family asks',
  })
  .refine((rule) => rule.scope !== 'each_model_family' || rule.metric.kind !== 'effective_models', {
    path: ['metric', 'kind'],
    message: 'is always 1 in a title of each model family',
  })
  .refine(({ valid_from: from, valid_until: until }) => from === undefined || until === undefined || from <= until, {
    path: ['valid_until'],
    message: 'is before valid_from',
  });

export const titleRulesSchema = z.array(titleRuleSchema).superRefine((rules, context) => {
  rules.forEach((rule, index) => {
    const first = rules.findIndex(({ id }) => id === rule.id);
    if (first < index) {
      context.addIssue({
        code: 'custom',
        path: [index, 'id'],
        message: `${rule.id} is already the id of rule ${first + 1}`,
      });
    }
  });
});

/** Whether a rule looks at the usage of some models apart from others. */
const asksModels = (rule: { readonly scope: string; readonly usage?: object | undefined }): boolean =>
  rule.scope === 'each_model_family' || rule.usage !== undefined;

export type Metric = z.output<typeof metricSchema>;
export type UsageFilter = z.output<typeof usageFilterSchema>;
export type MetricKind = Metric['kind'];
export type MetricOf<K extends MetricKind> = Extract<Metric, { kind: K }>;
export type Eligibility = z.output<typeof eligibilitySchema>;
export type TitleRule = z.output<typeof titleRuleSchema>;

/** Whom an award's standings compare. */
export type Scope = 'company' | `team:${string}` | `family:${string}`;

/** The unit of a metric's values, as awards carry it; of a quotient both units, as `micro_usd/days`. */
export function unitOf(metric: Metric): string {
  switch (metric.kind) {
    case 'capped_tokens':
      return 'tokens';
    case 'effective_models':
      return 'models';
    case 'cache_share':
    case 'thrift_gain':
      return 'ratio';
    case 'outcomes':
      return 'points';
    case 'outcomes_per_usd':
      return 'points_per_usd';
    case 'longest_session':
      return 'minutes';
    case 'list_cost':
    case 'cache_saving':
      return 'micro_usd';
    case 'active_days':
    case 'longest_streak':
      return 'days';
    case 'quotient':
      return `${unitOf(metric.of)}/${unitOf(metric.per)}`;
    default:
      return metric satisfies never;
  }
}

/** Whether a rule is in force on a UTC day. */
export function isInForce(rule: Pick<TitleRule, 'valid_from' | 'valid_until'>, nowMs: number): boolean {
  const today = dayKey(dayOf(nowMs));
  return (rule.valid_from ?? today) <= today && today <= (rule.valid_until ?? today);
}
