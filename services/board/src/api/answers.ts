/** The API's answers as the page reads them. Sums are decimal digits in text, as they may pass 2^53; times RFC 3339 in UTC. */

export const boardMetrics = [
  'total_tokens',
  'list_cost_micro_usd',
  'cost_micro_usd',
  'input_tokens',
  'cache_read_tokens',
  'all_cache_write_tokens',
  'output_tokens',
  'events',
] as const;
export type BoardMetric = (typeof boardMetrics)[number];

export const boardWindows = ['1d', '7d', '30d', 'month', 'all'] as const;
export type BoardWindow = (typeof boardWindows)[number];

export type Precision = 'exact' | 'rounded' | 'bands';

export interface Person {
  readonly user_id: string;
  readonly handle: string;
  /** Of those who chose to be shown by name; else null. */
  readonly name: string | null;
  readonly figures: Precision;
}

export interface TokenFigures {
  readonly events: string;
  readonly total_tokens: string;
  readonly input_tokens: string;
  readonly cache_read_tokens: string;
  readonly cache_write_5m_tokens: string;
  readonly cache_write_1h_tokens: string;
  readonly cache_write_tokens: string;
  readonly output_tokens: string;
  readonly reasoning_tokens: string;
  readonly cost_micro_usd: string;
}

export interface Costs {
  readonly list_cost_usd: string;
  readonly cache_saving_usd: string;
  readonly unpriced_events: string;
}

export interface WindowBounds {
  readonly name: string;
  readonly days: number;
  readonly start: string;
  /** Exclusive. */
  readonly end: string;
}

export interface BoardEntry extends Person, TokenFigures, Costs {
  readonly rank: number;
  /** At the end of yesterday; null for whoever was not on the board then. */
  readonly previous_rank: number | null;
  readonly teams: readonly string[];
  readonly value: string;
}

export interface Leaderboard {
  readonly metric: BoardMetric;
  readonly measures: string;
  readonly window: WindowBounds;
  readonly scope: string;
  readonly people: number;
  readonly offset: number;
  readonly entries: readonly BoardEntry[];
  readonly user?: BoardEntry | null;
}

export interface PersonTrend {
  readonly user_id: string;
  readonly days: readonly string[];
  readonly families: readonly { readonly family: string; readonly share: number }[];
  readonly family_count: number;
  /** The highest first, some of them. */
  readonly tiers: readonly Pick<TierHeld, 'title_id' | 'scope' | 'tier'>[];
  readonly tier_count: number;
}

export interface Trends {
  readonly days: readonly string[];
  readonly people: readonly PersonTrend[];
}

export interface ModelUse extends TokenFigures, Costs {
  readonly provider: string;
  readonly model: string;
  readonly share: number;
}

/** Whole numbers as decimal digits, ratios as numbers. */
export type Evidence = Readonly<Record<string, string | number>>;

export interface Held {
  readonly value: number;
  readonly unit: string;
  readonly held_since: string;
  readonly award_id: string;
  readonly evidence: Evidence;
}

export type Tier = 'bronze' | 'silver' | 'gold' | 'platinum' | 'diamond' | 'emerald';

/** A tier that somebody has now. */
export interface TierHeld {
  readonly title_id: string;
  readonly scope: string;
  readonly tier: Tier;
  readonly value: number;
  readonly unit: string;
  readonly since: string;
  readonly award_id: string;
}

export interface PersonUsage extends Person {
  readonly measures: string;
  readonly window: WindowBounds;
  readonly teams: readonly string[];
  readonly rank: number | null;
  readonly people: number | null;
  readonly totals: TokenFigures & Costs;
  readonly days: readonly ({ readonly day: string } & TokenFigures)[];
  readonly models: readonly ModelUse[];
  readonly titles: readonly ({ readonly title_id: string; readonly scope: string } & Held)[];
  readonly tiers: readonly TierHeld[] | null;
}

export interface History {
  readonly window: WindowBounds;
  readonly days: readonly string[];
  readonly total_tokens: readonly string[];
  readonly families: readonly { readonly family: string; readonly total_tokens: readonly string[] }[];
}

export interface Sessions {
  readonly window: WindowBounds;
  readonly sessions: number;
  readonly active_minutes: number;
  readonly days: readonly { readonly day: string; readonly sessions: number; readonly active_minutes: number }[];
  readonly longest: readonly { readonly day: string; readonly active_minutes: number }[];
}

export interface PersonTitle {
  readonly title_id: string;
  readonly scope: string;
  readonly status: 'holds' | 'not_eligible' | 'vacant' | 'leads' | 'behind';
  readonly value: number;
  readonly unit: string;
  readonly rank: number | null;
  readonly evidence: Evidence;
  readonly lacks: readonly { readonly minimum: string; readonly has: number; readonly needs: number }[];
  readonly to_beat: number | null;
  readonly beyond: number | null;
  readonly dwells_until: string | null;
  readonly held_since: string | null;
}

export interface PersonTitles {
  readonly titles: readonly PersonTitle[];
}

export interface Margin {
  readonly kind: 'relative' | 'remainder';
  readonly by: number;
}

/** What everybody who is eligible can reach, the lowest level first. */
export interface Tiers {
  readonly by: 'value' | 'top_per_mille';
  readonly levels: readonly { readonly tier: Tier; readonly at: number }[];
  readonly margin: Margin;
}

export interface TitleRule {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly icon: string | null;
  readonly version: number;
  readonly metric: { readonly kind: string } & Readonly<Record<string, unknown>>;
  readonly unit: string;
  readonly window: WindowBounds;
  /** Which usage counts; null for all. */
  readonly usage: {
    readonly providers?: readonly string[];
    readonly model_families?: readonly string[];
  } | null;
  readonly eligibility: {
    readonly min_tokens: number;
    readonly min_active_days: number;
    readonly min_sessions: number;
    readonly min_list_cost_usd: number;
    readonly min_tenure_days: number;
  };
  readonly fair_play: { readonly exclude: readonly string[] } | null;
  readonly margin: Margin;
  readonly max_holders: number;
  readonly dwell_hours: number;
  readonly tiers: Tiers | null;
  readonly valid_from: string | null;
  readonly valid_until: string | null;
}

/** A rule in force, wherever it is awarded. */
export interface TitleRuleInForce extends TitleRule {
  readonly scope: 'company' | 'each_team' | 'each_model_family';
  /** Where it compares people, or is held, now. */
  readonly scopes: readonly string[];
}

export interface TitleRules {
  readonly titles: readonly TitleRuleInForce[];
}

/** A title in one scope. */
export interface Title extends TitleRule {
  readonly scope: string;
  readonly tiers:
    | (Tiers & { readonly levels: readonly { readonly tier: Tier; readonly at: number; readonly people: number }[] })
    | null;
  readonly holders: readonly (Person & Held)[];
  readonly standings: readonly ({
    readonly rank: number;
    readonly value: number;
    readonly evidence: Evidence;
  } & Person)[];
}

export interface Titles {
  readonly titles: readonly Title[];
}

export interface Award {
  readonly offset: string;
  readonly award_id: string;
  readonly type: 'title_awarded' | 'title_revoked' | 'tier_reached' | 'tier_lost' | 'other';
  readonly title_id: string;
  readonly rule_version: number;
  readonly scope: string;
  readonly withheld: boolean;
  readonly user_id: string | null;
  readonly handle: string | null;
  readonly name: string | null;
  readonly figures: Precision | null;
  readonly rank: number | null;
  readonly tier: string | null;
  readonly value: number | null;
  readonly unit: string;
  readonly runner_up: number | null;
  readonly window_start: string;
  readonly window_end: string;
  readonly evaluated_at: string;
  readonly previous_holder: string | null;
  readonly previous_holder_handle: string | null;
  readonly revokes: string | null;
  readonly reason: string;
  readonly evidence: Evidence;
}

export interface Awards {
  readonly awards: readonly Award[];
}

export interface GroupFigures extends TokenFigures, Costs {
  readonly figures: 'exact' | 'rounded';
  readonly share: number;
}

export type Other =
  | { readonly groups: number; readonly withheld: true }
  | ({ readonly groups: number; readonly withheld: false } & GroupFigures);

export interface Teams {
  readonly window: WindowBounds;
  readonly least_people: number;
  readonly teams: readonly ({ readonly team: string; readonly users: number } & GroupFigures)[];
  readonly other: Other | null;
}

export interface Models {
  readonly measures: string;
  readonly window: WindowBounds;
  readonly models: readonly ({
    readonly provider: string;
    readonly model: string;
    readonly users: number;
  } & GroupFigures)[];
  readonly other: Other | null;
}

interface FamilyAmounts {
  /** Of each day, in decimal digits. */
  readonly total_tokens: readonly string[];
  readonly list_cost_usd: readonly string[];
}

export interface ModelDays {
  readonly window: WindowBounds;
  readonly days: readonly string[];
  readonly families: readonly ({ readonly family: string } & FamilyAmounts)[];
  readonly other:
    | { readonly families: number; readonly withheld: true }
    | ({ readonly families: number; readonly withheld: false } & FamilyAmounts)
    | null;
}

/** Days of the one who is signed in, the newest first. */
export interface OwnSignals {
  readonly window: WindowBounds;
  readonly signals: readonly { readonly day: string; readonly signal: string; readonly text: string }[];
}

/** Who asks, and what they may do. */
export interface Session {
  readonly signed_in: boolean;
  /** Null for whoever is no person. */
  readonly user_id: string | null;
  /** Null where nobody can sign in, or whoever asks has. */
  readonly sign_in_url: string | null;
}

/** Problem details (RFC 9457). */
export interface ProblemDetails {
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly request_id: string;
}
