import type { OutcomeKind } from '@laurel/events';
import type { Day } from '@laurel/usage';
import { whole, type Evidence } from '../evidence.js';
import type { MetricOf } from '../rule.js';

/** One person's outcomes of one kind on one UTC day on which they have a counted event: of other days none are looked at. */
export interface DayOutcomes {
  readonly day: Day;
  readonly kind: OutcomeKind;
  readonly quantity: bigint;
}

/** The kinds that give points; what was rejected, lines and time don't. */
export const pointKinds = ['edit_accepted', 'commit', 'pull_request_merged'] as const satisfies readonly OutcomeKind[];

type Weighing = Pick<MetricOf<'outcomes'>, 'weights' | 'daily_cap'>;

/** What a person's outcomes come to. */
export interface Points {
  /** uncappedPoints + cappedDays · daily_cap. At most 2^20 a day, so exact as a number. */
  readonly value: number;
  /** UTC days with more points than count. */
  readonly cappedDays: number;
  /** Points of the other days. */
  readonly uncappedPoints: bigint;
  readonly quantities: Readonly<Record<(typeof pointKinds)[number], bigint>>;
}

/** Σ over the UTC days of min(daily_cap, Σ over the kinds of weight · quantity). */
export function pointsOf({ weights, daily_cap: cap }: Weighing, outcomes: readonly DayOutcomes[]): Points {
  const quantities = { edit_accepted: 0n, commit: 0n, pull_request_merged: 0n };
  const days = new Map<Day, bigint>();
  for (const { day, kind, quantity } of outcomes) {
    if (!isPointKind(kind)) continue;
    quantities[kind] += quantity;
    days.set(day, (days.get(day) ?? 0n) + BigInt(weights[kind]) * quantity);
  }
  const capped = [...days.values()].filter((points) => points > BigInt(cap));
  const uncappedPoints = [...days.values()]
    .filter((points) => points <= BigInt(cap))
    .reduce((sum, points) => sum + points, 0n);
  return {
    value: Number(uncappedPoints) + capped.length * cap,
    cappedDays: capped.length,
    uncappedPoints,
    quantities,
  };
}

/** Quantities and weights under the kinds' names, and what the cap makes of them. */
export const pointEvidence = ({ weights, daily_cap }: Weighing, points: Points): Evidence => ({
  ...Object.fromEntries(
    pointKinds.flatMap((kind) => [
      [kind, whole(points.quantities[kind])],
      [`${kind}_weight`, whole(weights[kind])],
    ]),
  ),
  capped_days: whole(points.cappedDays),
  uncapped_points: whole(points.uncappedPoints),
  daily_cap: whole(daily_cap),
});

const isPointKind = (kind: OutcomeKind): kind is (typeof pointKinds)[number] => pointKinds.some((one) => one === kind);
