import { DAY_MS, windowOf, type Window, type WindowName } from '@laurel/usage';
import { z } from 'zod';

/** A window's bounds as RFC 3339 times in UTC: whole UTC days, today included so far as it has come. */
export const windowSchema = z.object({
  name: z.string().describe('as asked for'),
  days: z.int().min(1),
  start: z.iso.datetime().describe('inclusive'),
  end: z.iso.datetime().describe('exclusive'),
});
export type WindowJson = Readonly<z.output<typeof windowSchema>>;

export interface NamedWindow {
  readonly window: Window;
  /** The window of this name as it was at the end of the day before. */
  readonly previous: Window;
  readonly json: WindowJson;
}

export function namedWindow(name: WindowName, nowMs: number): NamedWindow {
  const window = windowOf(name, nowMs);
  return {
    window,
    previous: windowOf(name, nowMs - DAY_MS),
    json: {
      name,
      days: window.days,
      start: new Date(window.startMs).toISOString(),
      end: new Date(window.endMs).toISOString(),
    },
  };
}
