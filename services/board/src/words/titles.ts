import type { Award, Evidence, PersonTitle, TitleRule } from '../api/answers.js';
import {
  fineShareText,
  pointsText,
  microUsdText,
  shareText,
  shortText,
  usdText,
  valueText,
  wholeText,
  type Count,
} from './numbers.js';
import { dayText, minutesText } from './times.js';

const windowNames: Readonly<Record<string, string>> = {
  '1d': 'today',
  week: 'this week',
  month: 'this month',
  all: 'all time',
};

/** "30 days", "this month" */
export const windowText = (name: string): string =>
  windowNames[name] ?? name.replace(/^(\d+)d$/, (_, days: string) => `${days} days`);

/** "web" of team:web, "claude-opus-4-6" of family:claude-opus-4-6 */
export const scopeText = (scope: string): string =>
  scope === 'company' ? 'the whole company' : scope.slice(scope.indexOf(':') + 1);

/** What holding a title asks for beside the best value, one point each. */
export function conditionsOf(title: TitleRule): readonly string[] {
  const { min_tokens, min_active_days, min_sessions, min_tenure_days, min_list_cost_usd } = title.eligibility;
  const least = [
    ...(min_tokens > 1 ? [`${shortText(min_tokens)} tokens`] : []),
    ...(min_sessions > 0 ? [countText(min_sessions, 'session')] : []),
    ...(min_active_days > 0 ? [countText(min_active_days, 'active day')] : []),
    ...(min_list_cost_usd > 0 ? [`${usdText(min_list_cost_usd)} by list prices`] : []),
    ...(min_tenure_days > 0 ? [`${countText(min_tenure_days, 'day')} since the first usage`] : []),
  ];
  return [
    least.length === 0 ? 'Open to everybody with usage.' : `Needs at least ${listText(least)}.`,
    ...usageTexts(title),
    ...attendedText(title),
    ...leftOutText(title),
    marginText(title),
    ...(title.dwell_hours > 0 ? [`Kept for at least ${countText(title.dwell_hours, 'hour')}.`] : []),
    ...(title.max_holders > 1 ? [`Up to ${title.max_holders} people hold it at a time.`] : []),
    ...(title.valid_until === null ? [] : [`Awarded until ${dayText(title.valid_until)}.`]),
  ];
}

/** Which usage counts, where it is not all. */
function usageTexts({ usage }: TitleRule): readonly string[] {
  const [providers, families] = [usage?.providers ?? [], usage?.model_families ?? []];
  return [
    ...(families.length === 0 ? [] : [`Counts only what was used of ${listText(families)}.`]),
    ...(providers.length === 0 ? [] : [`Counts only what was used through ${listText(providers)}.`]),
  ];
}

/** Of an agent's tokens, as far as somebody was there. */
function attendedText({ metric }: TitleRule): readonly string[] {
  const bound = [metric, metric['of'], metric['per']].map(boundOf).find((one) => one !== undefined);
  if (bound === undefined) return [];
  return [
    `An hour counts by its minutes with a call of one’s own, up to ${shortText(bound)} tokens for each: what agents use while nobody asks counts for nothing.`,
  ];
}

/** Of a metric, or of a part of a quotient. */
function boundOf(metric: unknown): number | undefined {
  if (typeof metric !== 'object' || metric === null || !('tokens_per_own_minute' in metric)) return undefined;
  return typeof metric.tokens_per_own_minute === 'number' ? metric.tokens_per_own_minute : undefined;
}

export const signalNames: Readonly<Record<string, string>> = {
  unattended_run: 'agents ran for hours by themselves',
  unbroken_run: 'one’s own calls went on for hours without a pause',
  round_the_clock: 'one’s own calls came around the clock',
  replayed_prefix: 'nearly all was read from a cache again and again',
  tiny_models: 'many models were used a little',
  repeated_shape: 'many calls were alike',
  same_instant: 'many calls were of the same instant',
  spike: 'far more was used than on other days',
  before_release: 'a model was used before it came out',
};

function leftOutText({ fair_play: fairPlay }: TitleRule): readonly string[] {
  if (fairPlay === null) return [];
  const signals = fairPlay.exclude.map((signal) => signalNames[signal] ?? plainName(signal));
  return [`Days do not count on which ${listText(signals, 'or')}.`];
}

function marginText({ margin }: TitleRule): string {
  if (margin.by === 0) return 'Whoever is ahead takes it.';
  const by = fineShareText(margin.by);
  return margin.kind === 'relative'
    ? `A challenger has to be ahead by ${by}.`
    : `A challenger has to close ${by} of what the holder lacks to 100 %.`;
}

const countText = (count: number, noun: string): string => `${wholeText(count)} ${noun}${count === 1 ? '' : 's'}`;

const listText = (parts: readonly string[], last: 'and' | 'or' = 'and'): string =>
  parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} ${last} ${String(parts.at(-1))}`;

/** Why the value is what it is, in a sentence or two; undefined where the person does not show it. */
export function evidenceText(metric: TitleRule['metric'], evidence: Evidence): string | undefined {
  if (Object.keys(evidence).length === 0) return undefined;
  const count = (name: string): Count => evidence[name] ?? 0;
  const number = (name: string): number => Number(evidence[name] ?? 0);
  switch (metric.kind) {
    case 'capped_tokens': {
      const capped = number('capped_days');
      const attended =
        evidence['own_minutes'] === undefined ? '' : ` and ${countText(number('own_minutes'), 'minute')} of asking`;
      const over = `${shortText(count('events'))} calls${attended} on ${countText(number('active_days'), 'active day')}`;
      return capped === 0
        ? `${over}, no day over the daily cap of ${shortText(count('daily_cap'))}.`
        : `${over}; ${countText(capped, 'day')} reached the daily cap of ${shortText(count('daily_cap'))}.`;
    }
    case 'effective_models':
      return `${countText(number('families'), 'model family').replace('familys', 'families')} in balance over ${countText(number('active_days'), 'active day')}${sharesText(evidence)}.`;
    case 'cache_share':
      return `${shortText(count('counted_cache_read'))} input tokens read from a cache${'sessions' in evidence ? `, in ${countText(number('sessions'), 'session')}` : ''} on ${countText(number('active_days'), 'active day')}.`;
    case 'longest_session':
      return `${minutesText(number('active_minutes'))} of asking in one session, without a pause over ${minutesText(number('max_gap_minutes'))}.`;
    case 'list_cost':
      return `${shortText(count('events'))} calls with ${shortText(count('tokens'))} tokens on ${countText(number('active_days'), 'active day')}, by list prices.`;
    case 'cache_saving':
      return `What reading ${shortText(count('cache_read'))} tokens from a cache saved by list prices, less what writing to it cost.`;
    case 'outcomes':
      return `${madeText(evidence)} on ${countText(number('active_days'), 'active day')}${cappedText(evidence)}.`;
    case 'outcomes_per_usd':
      return `${madeText(evidence)} for ${microUsdText(number('list_cost_micro_usd'))} by list prices${cappedText(evidence)}.`;
    case 'thrift_gain':
      return thriftText(evidence);
    case 'longest_streak':
      return `From ${dayText(String(evidence['first_day']))} to ${dayText(String(evidence['last_day']))}.`;
    case 'quotient':
      return `${partText(metric['of'], number('of_value'))} over ${partText(metric['per'], number('per_value'))}.`;
    default:
      return listText(
        Object.entries(evidence)
          .slice(0, 4)
          .map(([name, value]) => `${plainName(name)} ${plainValue(value)}`),
      ).concat('.');
  }
}

/** "21 merged pull requests, 45 commits and 1 accepted edit" */
function madeText(evidence: Evidence): string {
  const kinds = [
    ['pull_request_merged', 'merged pull request'],
    ['commit', 'commit'],
    ['edit_accepted', 'accepted edit'],
  ] as const;
  const made = kinds.filter(([name]) => Number(evidence[name] ?? 0) > 0);
  if (made.length === 0) return 'No outcomes';
  return listText(made.map(([name, noun]) => countText(Number(evidence[name]), noun)));
}

/** "; 2 days reached the daily cap of 100 points" */
function cappedText(evidence: Evidence): string {
  const days = Number(evidence['capped_days'] ?? 0);
  return days === 0
    ? ''
    : `; ${countText(days, 'day')} reached the daily cap of ${shortText(evidence['daily_cap'] ?? 0)} points`;
}

/** What counts of the days before is bounded by the median then, see `thriftGain` of libs/titles. */
function thriftText(evidence: Evidence): string {
  const number = (name: string): number => Number(evidence[name] ?? 0);
  const each = (tokens: number, points: number): string =>
    points === 0 ? 'no outcomes' : `${shortText(tokens / points)} tokens for each point of outcomes`;
  const [before, points] = [number('tokens_before'), number('points_before')];
  const most = (number('company_median_before') * (1000 + number('most_over_median_per_mille'))) / 1000;
  // Nothing is told of everybody's together where somebody is not shown exactly.
  const bounded = most > 0 && points > 0 && before / points > most ? `, of which ${shortText(most)} count` : '';
  return `${each(number('tokens'), number('points'))}; in the days before ${each(before, points)}${bounded}.`;
}

const partUnits: Readonly<Record<string, string>> = {
  list_cost: 'micro_usd',
  cache_saving: 'micro_usd',
  active_days: 'days',
  capped_tokens: 'tokens',
};

/** One of the two metrics of a quotient. */
function partText(part: unknown, value: number): string {
  const kind = typeof part === 'object' && part !== null && 'kind' in part ? String(part.kind) : '';
  return valueText(value, partUnits[kind] ?? plainName(kind));
}

const plainName = (name: string): string => name.replaceAll('_', ' ');
const plainValue = (value: string | number): string =>
  typeof value === 'number' || /^-?\d+$/.test(value)
    ? shortText(typeof value === 'number' ? Math.round(value) : value)
    : value;

/** ": opus 40 %, sonnet 35 %" of the evidence's own JSON. */
function sharesText({ shares }: Evidence): string {
  if (typeof shares !== 'string') return '';
  const parsed: unknown = JSON.parse(shares);
  if (typeof parsed !== 'object' || parsed === null) return '';
  const most = Object.entries(parsed)
    .slice(0, 3)
    .map(([family, share]) => `${family} ${shareText(Number(share))}`);
  return most.length === 0 ? '' : `: ${most.join(', ')}`;
}

/** How far a person is from a title, in a sentence. */
export function distanceText(own: PersonTitle): string {
  const [lack] = own.lacks;
  switch (own.status) {
    case 'holds':
      return own.rank === null || own.rank === 1 ? 'Holds it now, and leads.' : `Holds it now, at rank ${own.rank}.`;
    case 'not_eligible':
      if (lack !== undefined) return `${lackText(lack)} to be in the running.`;
      // What was saved or gained may be nothing, or less, in spite of all usage.
      return own.value === 0 && Object.keys(own.evidence).length === 0
        ? 'No usage yet that counts for it.'
        : 'Not above zero yet, which it takes to be in the running.';
    case 'vacant':
      return 'Nobody holds it: it would be theirs.';
    case 'leads':
      return own.dwells_until === null
        ? 'Ahead of the holder: it is about to pass on.'
        : 'Ahead, but the holder may keep it for a while.';
    case 'behind': {
      const target = own.beyond ?? own.to_beat;
      if (target === null) return 'Behind the holder.';
      return `${gapText(Math.max(0, target - own.value), own.unit)} short of taking it.`;
    }
    default:
      return own.status satisfies never;
  }
}

/** What is missing to a value: "22 min", "1.5 percentage points". */
export function gapText(gap: number, unit: string): string {
  switch (unit) {
    case 'minutes':
      return minutesText(Math.ceil(gap));
    case 'micro_usd':
      return microUsdText(gap);
    case 'ratio':
      return `${pointsText(gap)} percentage points`;
    default:
      return valueText(gap, unit);
  }
}

const lackNames: Readonly<Record<string, string>> = {
  min_tokens: 'tokens',
  min_active_days: 'active days',
  min_sessions: 'sessions',
  min_list_cost_usd: 'dollars by list prices',
  min_tenure_days: 'days since the first usage',
};

const lackText = ({ minimum, has, needs }: PersonTitle['lacks'][number]): string =>
  `Needs ${shortText(Math.ceil(Math.max(0, needs - has)))} more ${lackNames[minimum] ?? plainName(minimum)}`;

/** 0 to 1: how much of the way to the title is gone. */
export function progressOf(own: PersonTitle): number {
  if (own.status === 'holds' || own.status === 'leads' || own.status === 'vacant') return 1;
  const [lack] = own.lacks;
  if (lack !== undefined) return lack.needs === 0 ? 0 : Math.min(1, lack.has / lack.needs);
  const target = own.beyond ?? own.to_beat ?? 0;
  return target === 0 ? 0 : Math.max(0, Math.min(1, own.value / target));
}

const reasons: Readonly<Record<string, string>> = {
  vacant: 'it was free',
  overtook: 'overtook the holder',
  overtaken: 'was overtaken',
  not_eligible: 'no longer meets what it asks for',
  corrected: 'figures were corrected',
  rule_changed: 'the rule has changed',
  rule_removed: 'the title was removed',
  expired: 'its time is over',
  withheld: 'is not shown any more',
};

export const reasonText = (reason: string): string => reasons[reason] ?? plainName(reason);

/** What an award says happened, without the person: "took it from calm-otter-482913". */
export function happenedText(award: Award): string {
  switch (award.type) {
    case 'title_awarded':
      return award.previous_holder_handle === null ? 'won' : 'took';
    case 'title_revoked':
      return 'lost';
    case 'tier_reached':
      return `reached ${award.tier ?? 'a tier'} in`;
    case 'tier_lost':
      return `lost ${award.tier ?? 'a tier'} in`;
    default:
      return 'has news of';
  }
}
