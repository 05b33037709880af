import { usageOriginValues, usageStatusValues, type TokenCounts, type UsageRecorded } from '../generated/types.js';
import { accept, reject, type Checked } from '../outcome.js';
import { noTokens, tokenFields } from '../tokens.js';

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
class FieldReader {
  fault: Checked<never> | undefined;

  constructor(private readonly object: JsonObject) {}

  private fail(checked: Checked<never>): void {
    this.fault ??= checked;
  }

  private wrongType(field: string, expected: string): void {
    this.fail(reject('wrong_type', `${field} is not ${expected}`, field));
  }

  requiredString(field: string): string {
    const value = this.object[field];
    if (typeof value === 'string') return value;
    if (value === undefined || value === null) this.fail(reject('missing_field', `${field} is missing`, field));
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

  time(field: string): number {
    const value = this.object[field];
    const ms = readTime(value);
    if (ms !== undefined) return ms;
    if (value === undefined || value === null) this.fail(reject('missing_field', `${field} is missing`, field));
    else this.wrongType(field, 'RFC 3339 text or whole milliseconds since the epoch');
    return 0;
  }

  /** Unknown classes are refused: to leave one out would be to count too little without anybody noticing. */
  tokens(): TokenCounts {
    const value = this.object['tokens'];
    if (!isJsonObject(value)) {
      if (value === undefined || value === null) this.fail(reject('missing_field', 'tokens is missing', 'tokens'));
      else this.wrongType('tokens', 'an object');
      return noTokens;
    }
    const counts: Record<keyof TokenCounts, number> = { ...noTokens };
    for (const [name, count] of Object.entries(value)) {
      const field = tokenFields.find((known) => known === name);
      if (field === undefined) {
        this.fail(reject('unknown_token_class', `tokens.${name.slice(0, 64)} is not a token class`, 'tokens'));
      } else if (typeof count === 'number') {
        counts[field] = count;
      } else if (count !== null) {
        this.wrongType(`tokens.${field}`, 'a number');
      }
    }
    return counts;
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

/**
 * Reads a usage event in its documented JSON form: the names of UsageRecorded, absent counts are 0, unknown fields
 * beside the token classes are ignored (a newer publisher's). Bounds are checked by `validateUsage`, not here.
 */
export function usageFromJson(object: JsonObject): Checked<UsageRecorded> {
  const read = new FieldReader(object);
  const event: UsageRecorded = {
    event_id: read.requiredString('event_id'),
    source: read.requiredString('source'),
    revision: read.optionalNumber('revision', 0),
    retracted: read.optionalBoolean('retracted'),
    occurred_at: read.time('occurred_at'),
    user_id: read.requiredString('user_id'),
    team: read.optionalString('team'),
    session_id: read.optionalString('session_id'),
    provider: read.requiredString('provider'),
    model: read.requiredString('model'),
    tokens: read.tokens(),
    cost_micro_usd: read.optionalNumber('cost_micro_usd', null),
    status: read.optionalChoice('status', usageStatusValues, 'ok'),
    origin: read.optionalChoice('origin', usageOriginValues, 'unknown'),
    attributes: read.attributes(),
  };
  return read.fault ?? accept(event);
}
