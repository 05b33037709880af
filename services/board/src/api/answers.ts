import type { Schemas } from '@laurel/client';

/** The API's answers as the page reads them, by the names of its description. Sums are decimal digits in text, as they may pass 2^53; times RFC 3339 in UTC. */

export type Leaderboard = Schemas['Leaderboard'];
export type BoardEntry = Schemas['LeaderboardEntry'];
export type WindowBounds = Schemas['Window'];
export type BoardMetric = Leaderboard['metric'];

/** In the order in which they are offered. */
export const boardMetrics = [
  'total_tokens',
  'list_cost_micro_usd',
  'cost_micro_usd',
  'input_tokens',
  'cache_read_tokens',
  'all_cache_write_tokens',
  'output_tokens',
  'events',
] as const satisfies readonly BoardMetric[];

export const boardWindows = ['1d', '7d', '30d', 'month', 'all'] as const;
export type BoardWindow = (typeof boardWindows)[number];

export type Trends = Schemas['Trends'];
export type PersonTrend = Trends['people'][number];

export type PersonUsage = Schemas['User'];
export type TokenFigures = Omit<PersonUsage['days'][number], 'day'>;
export type Costs = Pick<BoardEntry, 'list_cost_usd' | 'cache_saving_usd' | 'unpriced_events'>;
export type Person = Pick<BoardEntry, 'user_id' | 'handle' | 'name' | 'figures'>;
export type Precision = Person['figures'];
export type History = Schemas['History'];
export type Sessions = Schemas['Sessions'];

export type PersonTitles = Schemas['PersonTitles'];
export type PersonTitle = PersonTitles['titles'][number];
export type Evidence = PersonTitle['evidence'];
export type TierHeld = Schemas['Tier'];
export type Tier = TierHeld['tier'];

export type TitleRules = Schemas['TitleRules'];
/** A rule in force, wherever it is awarded. */
export type TitleRuleInForce = TitleRules['titles'][number];
export type Titles = Schemas['Titles'];
/** A title in one scope. */
export type Title = Schemas['Title'];
/** What both say of the rule. A page may be older than its API, so that there may be metrics and signals that it does not know. */
export type TitleRule = Omit<TitleRuleInForce, 'scope' | 'scopes' | 'metric' | 'fair_play'> & {
  readonly metric: { readonly kind: string } & Readonly<Record<string, unknown>>;
  readonly fair_play: { readonly exclude: readonly string[] } | null;
};
export type Tiers = NonNullable<TitleRule['tiers']>;
export type Margin = TitleRule['margin'];

export type Award = Schemas['Award'];
export type Awards = Schemas['Awards'];

export type Teams = Schemas['Teams'];
export type Models = Schemas['Models'];
export type Other = NonNullable<Models['other'] | Teams['other']>;
export type GroupFigures = Omit<Models['models'][number], 'provider' | 'model' | 'users'>;
export type ModelDays = Schemas['ModelDays'];

/** How the pipeline is. */
export type Operations = Schemas['Operations'];

/** How the viewer chose to be shown. */
export type OwnChoice = Schemas['OwnChoice'];
export type OwnChange = Partial<Pick<OwnChoice, 'visibility' | 'figures' | 'name' | 'handle'>>;

/** Days of the one who is signed in. */
export type OwnSignals = Schemas['OwnSignals'];
export type Session = Schemas['Session'];
/** Problem details (RFC 9457). */
export type ProblemDetails = Schemas['Problem'];
