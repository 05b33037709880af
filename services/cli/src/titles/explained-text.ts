import { dayKey } from '@laurel/usage';
import { isWholeUnit, valueText, type Explanation, type Lack, type TierExplanation } from '@laurel/titles';
import type { AwardEvent } from '@laurel/events';
import { signalText } from '@laurel/fair-play';
import { harmless } from '../terminal.js';
import type { Explained } from './explain.js';

const minimumNames: Readonly<Record<Lack['minimum'], string>> = {
  min_tokens: 'tokens',
  min_active_days: 'active days',
  min_sessions: 'sessions',
  min_tenure_days: 'days since the first usage',
  min_list_cost_usd: 'US dollars by list prices',
};

export const figure = (value: number, unit: string): string => valueText(value, unit, true);

/** What it takes to exceed a bound, and how much that is more than what there is. */
function needed(beyond: number, value: number, unit: string): string {
  const least = isWholeUnit(unit) ? Math.floor(beyond) + 1 : beyond;
  const takes = isWholeUnit(unit) ? figure(least, unit) : `more than ${figure(least, unit)}`;
  return `it takes ${takes}, ${figure(least - value, unit)} more than now`;
}

const instant = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** One title in a few lines. */
export function explainedLines({
  rule,
  scope,
  window,
  explanation,
  tier,
  leftOut,
  history,
}: Explained): readonly string[] {
  const { value, unit, rank } = explanation;
  const place = rank === 0 ? '' : `, rank ${rank}`;
  return [
    `${harmless(rule.name)} (${rule.id}, version ${rule.version}; ${scope === null ? 'on no board' : harmless(scope)}; ${dayKey(window.firstDay)} to ${dayKey(window.lastDay)})`,
    `  ${figure(value, unit)}${place}`,
    ...statusLines(explanation).map((line) => `  ${line}`),
    ...(tier === null ? [] : tierLines(tier, explanation).map((line) => `  ${line}`)),
    ...leftOut.map(
      ({ day, signal, evidence }) =>
        `  ${dayKey(day)} does not count: ${signal}, ${harmless(signalText(signal, evidence))}`,
    ),
    ...history.slice(-5).map((award) => `  ${instant(award.evaluated_at)}  ${changeText(award)}`),
  ];
}

function statusLines({
  status,
  value,
  unit,
  lacks,
  award,
  toBeat,
  beyond,
  dwellsUntilMs,
}: Explanation): readonly string[] {
  const dwelling = dwellsUntilMs === null ? [] : [`nobody can overtake the holder before ${instant(dwellsUntilMs)}`];
  switch (status) {
    case 'holds':
      return award === null
        ? []
        : [`holds it since ${instant(award.evaluated_at)}, with ${figure(award.value, award.unit)} then`];
    case 'not_eligible':
      return [
        'not eligible',
        ...lacks.map(
          ({ minimum, has, needs }) =>
            `  ${minimumNames[minimum]}: ${has.toLocaleString('en')} of ${needs.toLocaleString('en')}`,
        ),
        ...(lacks.length === 0 ? ['  there is nothing to count in this window'] : []),
      ];
    case 'vacant':
      return ['a place is free: the next evaluation awards it'];
    case 'leads':
      return [
        `ahead of the holder’s ${figure(toBeat ?? 0, unit)} by enough: the next evaluation passes it on`,
        ...dwelling,
      ];
    case 'behind':
      return [
        `behind: the holder to overtake has ${figure(toBeat ?? 0, unit)}; to be ahead by the rule’s margin ${needed(beyond ?? 0, value, unit)}`,
        ...dwelling,
      ];
    default:
      return status satisfies never;
  }
}

function tierLines(
  { tier, sinceMs, keptFrom, next, threshold, places }: TierExplanation,
  { value, unit, rank }: Explanation,
): readonly string[] {
  const kept = keptFrom === null ? '' : `; kept from ${figure(keptFrom, unit)} on`;
  const own = tier === null || sinceMs === null ? 'no tier' : `${tier} since ${instant(sinceMs)}${kept}`;
  if (next === null) return [own];
  if (places === null) {
    const lacking = threshold === null ? 0 : threshold - value;
    const more = lacking > 0 ? `, ${figure(lacking, unit)} more than now` : '';
    return [own, `${next} from ${figure(threshold ?? 0, unit)} on${more}`];
  }
  if (threshold === null) return [own, `${next}: there are too few people for it`];
  const now = rank === 0 ? '' : `, now ${rank}`;
  return [own, `${next} up to rank ${places}${now}; the last one there has ${figure(threshold, unit)}`];
}

function changeText({ type, reason, value, unit, tier, remaining_tier: remaining }: AwardEvent): string {
  switch (type) {
    case 'title_awarded':
      return `awarded (${reason}), ${figure(value, unit)}`;
    case 'title_revoked':
      return `lost (${reason})`;
    case 'tier_reached':
      return `reached ${tier ?? 'a tier'}, ${figure(value, unit)}`;
    case 'tier_lost':
      return `lost ${tier ?? 'the tier'}${remaining === null ? '' : `, but ${remaining}`} (${reason})`;
    default:
      return type satisfies never;
  }
}
