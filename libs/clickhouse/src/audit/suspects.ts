import type { Closures } from '../projections.js';
import {
  figureNames,
  figuresKey,
  outcomeFigureNames,
  type DayFigures,
  type Figures,
  type FiguresOf,
} from './day-figures.js';

/** A bucket whose figures readers would get wrong, unless something is under way. */
export interface Suspect {
  readonly code: 'head_missing' | 'roll_missing' | 'figures_differ';
  readonly of: FiguresOf;
  /** In seconds since the epoch. */
  readonly bucket: number;
  /** The roll that the head names, as decimal text. */
  readonly head: string | undefined;
  /** From the log, or for a day of usage from its hours; undefined when there is nothing. */
  readonly expected: Figures | undefined;
  readonly found: Figures | undefined;
}

export const suspectKey = ({ of, bucket }: Pick<Suspect, 'of' | 'bucket'>): string => figuresKey(of, bucket);

/** The buckets of a day whose rolls are not what they are to be. */
export function suspectsOf(figures: DayFigures, day: number, closed: Closures): readonly Suspect[] {
  const outcomes = judge(
    figures,
    'outcomes',
    day,
    figures.log.get(figuresKey('outcomes', day)),
    figuresKey('outcome_day', day),
  );
  return [...usageSuspects(figures, day, closed), ...(outcomes === undefined ? [] : [outcomes])];
}

/** A closed day is compared with its hours, so it is judged only where those are right. */
function usageSuspects(figures: DayFigures, day: number, closed: Closures): readonly Suspect[] {
  const suspects: Suspect[] = [];
  for (const grain of ['hour', 'minute'] as const) {
    for (const bucket of bucketsOf(grain, figures.log, figures.rolls)) {
      const key = figuresKey(grain, bucket);
      const suspect = judge(figures, grain, bucket, figures.log.get(key), key);
      if (suspect !== undefined) suspects.push(suspect);
    }
  }
  if (day >= closed.day || suspects.length > 0) return suspects;
  for (const table of ['day_user', 'day_model', 'day_attendance'] as const) {
    const suspect = judge(figures, table, day, figures.hours.get(figuresKey(table, day)), figuresKey('day', day));
    // The tables have one head.
    if (suspect !== undefined && suspects[0]?.code !== 'head_missing') suspects.push(suspect);
  }
  return suspects;
}

function judge(
  { rolls, heads }: DayFigures,
  of: FiguresOf,
  bucket: number,
  expected: Figures | undefined,
  headKey: string,
): Suspect | undefined {
  const head = heads.get(headKey);
  const found = rolls.get(figuresKey(of, bucket))?.figures;
  const suspect = (code: Suspect['code']): Suspect => ({ code, of, bucket, head, expected, found });
  if (expected === undefined) return found === undefined ? undefined : suspect('figures_differ');
  if (head === undefined) return suspect('head_missing');
  if (found === undefined) return suspect('roll_missing');
  return sameFigures(expected, found) ? undefined : suspect('figures_differ');
}

const sameFigures = (a: Figures, b: Figures): boolean => a.length === b.length && a.every((one, at) => one === b[at]);

function bucketsOf(of: FiguresOf, ...maps: readonly ReadonlyMap<string, unknown>[]): readonly number[] {
  const prefix = figuresKey(of, 0).slice(0, -1);
  const keys = maps.flatMap((map) => [...map.keys()].filter((key) => key.startsWith(prefix)));
  return [...new Set(keys.map((key) => Number(key.slice(prefix.length))))].sort((a, b) => a - b);
}

/** For a person: which figures differ, the expected one first. */
export function differences({ of, expected, found }: Suspect): string {
  const names: readonly string[] = of === 'outcomes' ? outcomeFigureNames : figureNames;
  const lines = names.flatMap((name, at) => {
    const [should, is] = [expected?.[at] ?? '0', found?.[at] ?? '0'];
    if (should === is) return [];
    return name === 'attribution' ? ['whose they are'] : [`${name} ${is} instead of ${should}`];
  });
  return lines.join(', ');
}
