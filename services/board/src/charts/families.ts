import type { History } from '../api/answers.js';
import type { Series } from './StackedDays.js';

/** As many as there are colours, the last one being for all others together. */
const SERIES = 8;

/** Model families as series of a chart, the most used at the bottom, and what is beyond the colours as one. */
export function familySeries(families: History['families']): readonly Series[] {
  const named = families.length <= SERIES ? families : families.slice(0, SERIES - 1);
  const others = families.slice(named.length);
  const series = named.map(({ family, total_tokens }, index): Series => ({
    key: family,
    name: family,
    look: `series-${index}`,
    amounts: total_tokens.map(Number),
  }));
  const [first] = others;
  if (first === undefined) return series;
  const sum = first.total_tokens.map((_, day) =>
    others.reduce((total, { total_tokens }) => total + Number(total_tokens[day] ?? 0), 0),
  );
  return [...series, { key: '', name: `${others.length} others`, look: `series-${SERIES - 1}`, amounts: sum }];
}
