/** Times in the viewer's own zone and language. Days are UTC days, as everywhere in Laurel, and so are never moved to a zone. */
const instant = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const utcDay = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' });
const utcWeekday = new Intl.DateTimeFormat(undefined, {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  timeZone: 'UTC',
});
const utcShortDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });
const localShortDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const utcMonth = new Intl.DateTimeFormat(undefined, { month: 'short', timeZone: 'UTC' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });

const MINUTE_MS = 60_000;
const STEPS = [
  ['minute', MINUTE_MS],
  ['hour', 60 * MINUTE_MS],
  ['day', 1440 * MINUTE_MS],
  ['week', 7 * 1440 * MINUTE_MS],
  ['month', 30 * 1440 * MINUTE_MS],
] as const;

/** @param time RFC 3339 */
export const instantText = (time: string): string => instant.format(new Date(time));
export const dateText = (time: string): string => date.format(new Date(time));
export const clockText = (ms: number): string => clock.format(ms);

/** "3 hours ago"; of less than a minute "now". */
export function agoText(time: string, nowMs: number): string {
  const ageMs = Math.max(0, nowMs - Date.parse(time));
  const [unit, ms] = STEPS.findLast(([, step]) => ageMs >= step) ?? ['minute', MINUTE_MS];
  return ageMs < MINUTE_MS ? relative.format(0, 'second') : relative.format(-Math.floor(ageMs / ms), unit);
}

/** The time of a day that is today, else the date: "since 14:32", "since 3 Nov". */
export function sinceText(time: string, nowMs: number): string {
  const at = new Date(time);
  return at.toDateString() === new Date(nowMs).toDateString() ? clock.format(at) : localShortDay.format(at);
}

/** @param day 'YYYY-MM-DD' */
export const dayText = (day: string): string => utcDay.format(Date.parse(day));
export const weekdayText = (day: string): string => utcWeekday.format(Date.parse(day));
export const shortDayText = (day: string): string => utcShortDay.format(Date.parse(day));
export const monthText = (day: string): string => utcMonth.format(Date.parse(day));
/** 0 is Monday. */
export const weekdayOf = (day: string): number => (new Date(Date.parse(day)).getUTCDay() + 6) % 7;

/** "2 h 5 min" */
export function minutesText(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  const rest = Math.round(minutes - hours * 60);
  if (hours === 0) return `${rest} min`;
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}
