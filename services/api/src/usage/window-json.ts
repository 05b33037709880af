import { windowOf, type Window, type WindowName } from '@laurel/usage';

/** A window's bounds as RFC 3339 times in UTC: whole UTC days, today included so far as it has come. */
export interface WindowJson {
  readonly name: string;
  readonly days: number;
  /** Inclusive. */
  readonly start: string;
  /** Exclusive. */
  readonly end: string;
}

export interface NamedWindow {
  readonly window: Window;
  readonly json: WindowJson;
}

export function namedWindow(name: WindowName, nowMs: number): NamedWindow {
  const window = windowOf(name, nowMs);
  return {
    window,
    json: {
      name,
      days: window.days,
      start: new Date(window.startMs).toISOString(),
      end: new Date(window.endMs).toISOString(),
    },
  };
}
