import { z } from 'zod';

const count = z.int().min(0);

/**
 * What a title measures, with its parameters. Each kind's exact definition stands in `metrics/`.
 * `daily_cap` is bounded so that a year of capped days is exact as a number (366 · 2^44 < 2^53).
 */
export const metricSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('capped_tokens'),
    /** Tokens of one UTC day that count at most. */
    daily_cap: z
      .int()
      .min(1)
      .max(2 ** 44)
      .default(100_000_000),
  }),
  z.strictObject({
    kind: z.literal('effective_models'),
    /** A family with less than this share of the person's tokens is left out; in thousandths, 1 to 500. */
    min_share_per_mille: z.int().min(1).max(500).default(10),
  }),
  z.strictObject({
    kind: z.literal('cache_share'),
    /** m: with how many tokens' weight the company's own share is mixed in. */
    prior_tokens: z
      .int()
      .min(0)
      .max(2 ** 44)
      .default(1_000_000),
  }),
  z.strictObject({
    kind: z.literal('longest_session'),
    /** Two active minutes further apart than this belong to two runs. */
    max_gap_minutes: z.int().min(1).max(1440).default(30),
    /** Active minutes of one UTC day that count at most. */
    daily_cap_minutes: z.int().min(1).max(1440).default(720),
  }),
]);

/**
 * How far a challenger is to be ahead of the holder: hysteresis against a title that changes hands all day.
 * `relative`: challenger > holder · (1 + by).
 * `remainder`, for shares, whose bound is 1: 1 − challenger < (1 − holder) · (1 − by). A relative margin would make
 * a share of 0.99 unassailable, as nobody can reach 1.0098.
 */
export const marginSchema = z.strictObject({
  kind: z.enum(['relative', 'remainder']),
  by: z.number().min(0).max(0.5),
});

export const eligibilitySchema = z.strictObject({
  /** Counted tokens in the window, uncapped. */
  min_tokens: count.default(0),
  /** UTC days with counted tokens. */
  min_active_days: count.default(0),
  /** Distinct sessions with counted events. */
  min_sessions: count.default(0),
});

export const titleRuleSchema = z
  .strictObject({
    /** Part of the key of awards: never reused for another meaning. */
    id: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'is lower-case letters, digits and underscores'),
    name: z.string().min(1).max(80),
    description: z.string().min(1).max(500),
    /** Raised whenever the judging changes (not for a better description): the title is then judged anew, without margin. */
    version: z
      .int()
      .min(1)
      .max(2 ** 31 - 1),
    metric: metricSchema,
    /** Rolling UTC days, today included. */
    window_days: z.int().min(1).max(366).default(30),
    /** Whom the standings compare. Each team is to come; an award's own scope is then `team:<team>`. */
    scope: z.literal('company').default('company'),
    eligibility: eligibilitySchema.prefault({}),
    /** How many may hold it at a time. */
    holders: z.int().min(1).max(100).default(1),
    margin: marginSchema.default({ kind: 'relative', by: 0.02 }),
  })
  .refine((rule) => rule.margin.kind !== 'remainder' || rule.metric.kind === 'cache_share', {
    path: ['margin', 'kind'],
    message: 'a margin of the remainder needs a metric that is a share',
  });

export const titleRulesSchema = z
  .array(titleRuleSchema)
  .refine((rules) => new Set(rules.map((rule) => rule.id)).size === rules.length, {
    message: 'two rules have the same id',
  });

export type Metric = z.output<typeof metricSchema>;
export type MetricKind = Metric['kind'];
export type MetricOf<K extends MetricKind> = Extract<Metric, { kind: K }>;
export type Margin = z.output<typeof marginSchema>;
export type Eligibility = z.output<typeof eligibilitySchema>;
export type TitleRule = z.output<typeof titleRuleSchema>;

/** Whom an award's standings compare. */
export type Scope = 'company' | `team:${string}`;

/** The unit of a metric's values, as awards carry it. */
export function unitOf(kind: MetricKind): string {
  switch (kind) {
    case 'capped_tokens':
      return 'tokens';
    case 'effective_models':
      return 'models';
    case 'cache_share':
      return 'ratio';
    case 'longest_session':
      return 'minutes';
    default:
      return kind satisfies never;
  }
}
