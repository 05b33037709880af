import type { Day } from '@laurel/usage';

/** What may look like usage for the sake of figures; docs/reference/fair-play.md says of each what it can't tell. */
export const signalIds = [
  'unattended_run',
  'unbroken_run',
  'round_the_clock',
  'replayed_prefix',
  'tiny_models',
  'repeated_shape',
  'same_instant',
  'spike',
  'before_release',
] as const;
export type SignalId = (typeof signalIds)[number];

/** The figures that a signal rests on: whole numbers in decimal digits, instants in ms since the epoch likewise, names as texts. */
export type SignalEvidence = Readonly<Record<string, string>>;

/** A person’s UTC day that stands out in one way. It is no verdict: each has an honest reason too. */
export interface Signal {
  readonly userId: string;
  readonly day: Day;
  readonly signal: SignalId;
  readonly evidence: SignalEvidence;
}

/** From when on a signal is given. All bounds are included unless a name says `above` or `below`. */
export const thresholds = {
  unattended_run: { hours: 4, tokens: 1_000_000 },
  unbroken_run: { minutes: 600, pauseMinutes: 20 },
  round_the_clock: { ownHours: 18 },
  replayed_prefix: { cacheRead: 10_000_000, readsPerOutputAbove: 500 },
  tiny_models: { models: 5, perMilleBelow: 10 },
  repeated_shape: { calls: 30, tokens: 1000 },
  same_instant: { calls: 30 },
  spike: { tokens: 10_000_000, times: 10, historyDays: 28, activeDays: 5, teamPeople: 5 },
  before_release: { daysAbove: 1 },
} as const satisfies Record<SignalId, Readonly<Record<string, number>>>;
