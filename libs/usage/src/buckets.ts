/**
 * UTC minutes, hours and days as whole numbers since the epoch; a day is Avro's logical type `date`.
 * The brands keep a minute from being taken for a day; all are plain numbers at run time.
 */
declare const unit: unique symbol;

/** Days since 1970-01-01, UTC. */
export type Day = number & { readonly [unit]: 'day' };
/** Hours since 1970-01-01T00, UTC. */
export type Hour = number & { readonly [unit]: 'hour' };
/** Minutes since 1970-01-01T00:00, UTC. */
export type Minute = number & { readonly [unit]: 'minute' };

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
const MINUTES_A_DAY = 1440;
const HOURS_A_DAY = 24;

/** The bucket that an instant (ms since the epoch) lies in. An instant on a boundary belongs to the later bucket. */
export const dayOf = (ms: number): Day => Math.floor(ms / DAY_MS) as Day;
export const hourOf = (ms: number): Hour => Math.floor(ms / HOUR_MS) as Hour;
export const minuteOf = (ms: number): Minute => Math.floor(ms / MINUTE_MS) as Minute;

/** A bucket's first instant, in ms since the epoch. */
export const dayStartMs = (day: Day): number => day * DAY_MS;
export const hourStartMs = (hour: Hour): number => hour * HOUR_MS;
export const minuteStartMs = (minute: Minute): number => minute * MINUTE_MS;

export const dayOfHour = (hour: Hour): Day => Math.floor(hour / HOURS_A_DAY) as Day;
export const dayOfMinute = (minute: Minute): Day => Math.floor(minute / MINUTES_A_DAY) as Day;
export const hourOfMinute = (minute: Minute): Hour => Math.floor(minute / 60) as Hour;

/** 0 to 23. */
export const hourOfDay = (hour: Hour): number => hour - dayOfHour(hour) * HOURS_A_DAY;
/** 0 to 1439. */
export const minuteOfDay = (minute: Minute): number => minute - dayOfMinute(minute) * MINUTES_A_DAY;

/** @param hourOfTheDay 0 to 23 */
export const hourInDay = (day: Day, hourOfTheDay: number): Hour => (day * HOURS_A_DAY + hourOfTheDay) as Hour;
/** @param minuteOfTheDay 0 to 1439 */
export const minuteInDay = (day: Day, minuteOfTheDay: number): Minute =>
  (day * MINUTES_A_DAY + minuteOfTheDay) as Minute;

/** 'YYYY-MM-DD', the key of a day on topics and in tables. Days from year 0 to 9999. */
export const dayKey = (day: Day): string => new Date(dayStartMs(day)).toISOString().slice(0, 10);

/** The day of a 'YYYY-MM-DD' that exists in the calendar; else undefined. */
export function parseDayKey(key: string): Day | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(key)) return undefined;
  const ms = Date.parse(`${key}T00:00:00.000Z`);
  if (Number.isNaN(ms)) return undefined;
  const day = dayOf(ms);
  return dayKey(day) === key ? day : undefined;
}

/** A whole number of UTC days that ends with today. */
export interface Window {
  /** Inclusive. */
  readonly startMs: number;
  /** Exclusive: the first instant of tomorrow, UTC, so that today's events so far are inside. */
  readonly endMs: number;
  readonly firstDay: Day;
  /** Inclusive. */
  readonly lastDay: Day;
  /** How many days, both ends included. */
  readonly days: number;
}

/**
 * A window that ends with today, in UTC days: '1d' to '366d' are the last n, today included; 'week' begins on Monday (ISO 8601),
 * 'month' on the first; 'all' holds every event that is valid.
 */
export type WindowName = `${number}d` | 'week' | 'month' | 'all';
export const MAX_WINDOW_DAYS = 366;

/** The day of the earliest event that is valid. */
const FIRST_DAY = dayOf(Date.UTC(2020, 0, 1));
/** 1970-01-01 was a Thursday. */
const MONDAY = dayOf(Date.UTC(1970, 0, 5));

export const isWindowName = (name: string): name is WindowName => firstDayOf(name, FIRST_DAY) !== undefined;

/**
 * The window of a name, as of an instant: '30d' is [today − 29 … today].
 *
 * @throws RangeError when `name` is no `WindowName`.
 */
export function windowOf(name: WindowName, nowMs: number): Window {
  const lastDay = dayOf(nowMs);
  const firstDay = firstDayOf(name, lastDay);
  if (firstDay === undefined) {
    throw new RangeError(`${name} is not a window of 1d to ${MAX_WINDOW_DAYS}d, a week, a month, or all`);
  }
  const days = lastDay - firstDay + 1;
  return { startMs: dayStartMs(firstDay), endMs: dayStartMs((lastDay + 1) as Day), firstDay, lastDay, days };
}

/** As many days as a window has, right before it. */
export function windowBefore({ startMs, firstDay, days }: Window): Window {
  const first = (firstDay - days) as Day;
  return { startMs: dayStartMs(first), endMs: startMs, firstDay: first, lastDay: (firstDay - 1) as Day, days };
}

function firstDayOf(name: string, today: Day): Day | undefined {
  switch (name) {
    case 'week':
      return (today - ((((today - MONDAY) % 7) + 7) % 7)) as Day;
    case 'month':
      return (today - new Date(dayStartMs(today)).getUTCDate() + 1) as Day;
    case 'all':
      // Before it there is nothing, but a clock may say so.
      return Math.min(FIRST_DAY, today) as Day;
    default: {
      const days = Number(/^([1-9]\d{0,2})d$/.exec(name)?.[1] ?? 0);
      return days >= 1 && days <= MAX_WINDOW_DAYS ? ((today - days + 1) as Day) : undefined;
    }
  }
}

export const isWithin = (window: Window, ms: number): boolean => ms >= window.startMs && ms < window.endMs;
