import { reject, type Checked } from '../checked.js';

export type JsonObject = Readonly<Record<string, unknown>>;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 3339, section 5.6, with the date and time separated by T or a space; hour 24 is no hour there. */
const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](?!24)\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** Milliseconds since the epoch, from RFC 3339 text (finer digits are cut) or a number of milliseconds; else undefined. */
export function readTime(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? value : undefined;
  const date = typeof value === 'string' ? RFC_3339.exec(value) : null;
  if (typeof value !== 'string' || date === null || !isDate(Number(date[1]), Number(date[2]), Number(date[3]))) {
    return undefined;
  }
  const ms = Date.parse(value.replace(' ', 'T').toUpperCase());
  return Number.isNaN(ms) ? undefined : ms;
}

/** Date.parse takes 30 February for 2 March, which would count an event on a day that nobody meant. */
const isDate = (year: number, month: number, day: number): boolean =>
  new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;

/** The first fault found while reading; further reads return their defaults, so that the caller checks once. */
export class FieldReader {
  fault: Checked<never> | undefined;

  constructor(readonly object: JsonObject) {}

  fail(checked: Checked<never>): void {
    this.fault ??= checked;
  }

  wrongType(field: string, expected: string): void {
    this.fail(reject('wrong_type', `${field} is not ${expected}`, field));
  }

  missing(field: string): void {
    this.fail(reject('missing_field', `${field} is missing`, field));
  }

  requiredString(field: string): string {
    const value = this.object[field];
    if (typeof value === 'string') return value;
    if (value === undefined || value === null) this.missing(field);
    else this.wrongType(field, 'a string');
    return '';
  }

  optionalString(field: string): string | null {
    const value = this.object[field] ?? null;
    if (value === null || typeof value === 'string') return value;
    this.wrongType(field, 'a string');
    return null;
  }

  optionalNumber<D>(field: string, absent: D): number | D {
    const value = this.object[field] ?? absent;
    if (value === absent || typeof value === 'number') return value as number | D;
    this.wrongType(field, 'a number');
    return absent;
  }

  optionalBoolean(field: string): boolean {
    const value = this.object[field] ?? false;
    if (typeof value === 'boolean') return value;
    this.wrongType(field, 'true or false');
    return false;
  }

  optionalChoice<T extends string>(field: string, choices: readonly T[], absent: T): T {
    const value = this.object[field] ?? absent;
    const choice = choices.find((one) => one === value);
    if (choice !== undefined) return choice;
    this.wrongType(field, `one of ${choices.join(', ')}`);
    return absent;
  }

  requiredChoice<T extends string>(field: string, choices: readonly [T, ...T[]]): T {
    const value = this.object[field];
    if (value === undefined || value === null) this.missing(field);
    return this.optionalChoice(field, choices, choices[0]);
  }

  time(field: string): number {
    const value = this.object[field];
    const ms = readTime(value);
    if (ms !== undefined) return ms;
    if (value === undefined || value === null) this.missing(field);
    else this.wrongType(field, 'RFC 3339 text or whole milliseconds since the epoch');
    return 0;
  }

  attributes(): Readonly<Record<string, string>> {
    const value = this.object['attributes'] ?? {};
    if (!isJsonObject(value) || Object.values(value).some((one) => typeof one !== 'string')) {
      this.wrongType('attributes', 'an object of strings');
      return {};
    }
    return value as Readonly<Record<string, string>>;
  }
}
