import { dayKey } from '@laurel/usage';
import { isWholeUnit, valueText, type Explanation, type Lack } from '@laurel/titles';
import type { AwardEvent } from '@laurel/events';
import { harmless } from '../terminal.js';
import type { Explained } from './explain.js';

const minimumNames: Readonly<Record<Lack['minimum'], string>> = {
  min_tokens: 'tokens',
  min_active_days: 'active days',
  min_sessions: 'sessions',
  min_tenure_days: 'days since the first usage',
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
export function explainedLines({ rule, scope, window, explanation, history }: Explained): readonly string[] {
  const { value, unit, rank } = explanation;
  const place = rank === 0 ? '' : `, rank ${rank}`;
  return [
    `${harmless(rule.name)} (${rule.id}, version ${rule.version}; ${scope === null ? 'in no team with a board' : harmless(scope)}; ${dayKey(window.firstDay)} to ${dayKey(window.lastDay)})`,
    `  ${figure(value, unit)}${place}`,
    ...statusLines(explanation).map((line) => `  ${line}`),
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

const changeText = ({ type, reason, value, unit }: AwardEvent): string =>
  type === 'title_awarded' ? `awarded (${reason}), ${figure(value, unit)}` : `lost (${reason})`;
