import fc from 'fast-check';
import { noTokens, usageRecorded, type UsageRecorded } from '@laurel/events';
import { DAY_MS, HOUR_MS, MINUTE_MS, type Day } from '@laurel/usage';
import { REFUSED_SOURCE } from './ingest.fixture.js';

export const FIRST_DAY = 20_000 as Day;
export const START_HOUR = 22;
export const START_MS = FIRST_DAY * DAY_MS + START_HOUR * HOUR_MS + 10 * MINUTE_MS;
/** In minutes from the first day's begin: of a closed day, of closed hours, and on both sides of hours and midnights to come. */
const MINUTES = [-720, 600, 1320, 1379, 1439, 1440];
/** Two identities of one minute. */
export const FIRST_MINUTE_OF_SECOND_DAY = [5, 11] as const;
export const PEOPLE = ['u-1', 'u-2'];

const base: UsageRecorded = {
  event_id: '',
  source: 'test',
  revision: 0,
  retracted: false,
  occurred_at: START_MS,
  user_id: 'u-3',
  team: null,
  session_id: null,
  provider: 'anthropic',
  model: '',
  tokens: noTokens,
  cost_micro_usd: null,
  status: 'ok',
  origin: 'main',
  attributes: {},
};

/** A version of an event of few, so that copies, revisions and retractions meet. */
export interface Version {
  /** Time and person follow from it. */
  readonly identity: number;
  readonly revision: number;
  readonly retracted: boolean;
  readonly content: number;
}

export const versionArbitrary: fc.Arbitrary<Version> = fc.record({
  identity: fc.nat(3 * MINUTES.length - 1),
  revision: fc.nat(2),
  retracted: fc.constantFrom(false, false, false, true),
  content: fc.nat(2),
});

export function eventOf({ identity, revision, retracted, content }: Version): Uint8Array {
  const minute = MINUTES[identity % MINUTES.length] ?? 0;
  return usageRecorded.encode({
    ...base,
    event_id: `e-${identity}`,
    revision,
    retracted,
    occurred_at: FIRST_DAY * DAY_MS + minute * MINUTE_MS + identity,
    user_id: PEOPLE[identity % PEOPLE.length] ?? base.user_id,
    model: `m-${content}`,
    tokens: { ...noTokens, input: content + 1 },
  });
}

/** No framing, no value, counts and times out of bounds, and what only the table refuses. */
export function invalidValue(which: number): Uint8Array | null {
  const bad: readonly (Partial<UsageRecorded> | Uint8Array | null)[] = [
    null,
    Buffer.from('no event'),
    { tokens: { ...noTokens, input: 2 ** 41 } },
    { occurred_at: START_MS + 300 * DAY_MS },
    { source: REFUSED_SOURCE },
  ];
  const one = bad[which % bad.length] ?? null;
  if (one === null || one instanceof Uint8Array) return one;
  return usageRecorded.encode({ ...base, event_id: 'bad', model: 'm-0', ...one });
}
