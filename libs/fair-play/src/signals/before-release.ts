import { compareUtf8, dayKey, type Day } from '@laurel/usage';
import type { PersonDay } from '../person-day.js';
import { thresholds, type SignalEvidence } from '../signal.js';

/** A date as vendors put it into ids: `claude-sonnet-4-5-20250929`, `gpt-5-2025-08-07`, `…@20250929`. */
export const DATED_MODEL = '[-@](20[0-9]{2})-?(0[1-9]|1[0-2])-?(0[1-9]|[12][0-9]|3[01])([^0-9]|$)';

/**
 * A model whose own id says that it came out later, by more than so many days. Of several such models the one that came out last, then the one
 * whose id comes first by its bytes.
 *
 * Evidence: `model`, `released` (YYYY-MM-DD, as its id says), `calls` (with it on the day).
 */
export function beforeRelease({ day, events }: PersonDay): SignalEvidence | null {
  const latest = dayKey((day + thresholds.before_release.daysAbove) as Day);
  const calls = new Map<string, number>();
  for (const { model } of events) calls.set(model, (calls.get(model) ?? 0) + 1);
  const [best] = [...calls]
    .map(([model, count]) => ({ model, count, released: releasedOn(model) ?? '' }))
    .filter(({ released }) => released > latest)
    .sort((a, b) => compareUtf8(b.released, a.released) || compareUtf8(a.model, b.model));
  if (best === undefined) return null;
  return { model: best.model, released: best.released, calls: String(best.count) };
}

function releasedOn(model: string): string | undefined {
  const [, year, month, date] = new RegExp(DATED_MODEL).exec(model) ?? [];
  return year === undefined ? undefined : `${year}-${month}-${date}`;
}
