import { outcomeFromJson, reject, validateOutcome, type OutcomeEvent, type OutcomeKind } from '@laurel/events';
import { newEventId } from './event-id.js';
import { isObject, NO_REVISION, repeatedTime, timeOf, type CheckedInput, type Moment } from './usage-input.js';

/** What `recordOutcome()` takes: what came of the work. */
export interface OutcomeInput {
  /** A stable pseudonym, the same as in the person's usage events; 1 to 256 bytes. */
  readonly user_id: string;
  readonly kind: OutcomeKind;
  /** How many of the kind, 0 to 2^40. Default 1. */
  readonly quantity?: number | undefined;
  /** Unique within the source: give the commit's hash or the request's number where there is one. Default: a new UUID version 7. */
  readonly event_id?: string | undefined;
  /** The tool or forge. Default: the publisher's `source`. */
  readonly source?: string | undefined;
  /** From 2020 to 24 h ahead of the broker's clock. Default: now. */
  readonly occurred_at?: Moment | undefined;
  /** A later version of the same outcome has a higher one. Default 0. */
  readonly revision?: number | undefined;
  /** As a retraction has it that was handed back; to make one, call `retractOutcome()`. Default false. */
  readonly retracted?: boolean | undefined;
  readonly team?: string | null | undefined;
  readonly session_id?: string | null | undefined;
  /** At most 32 entries, 8 KiB in all. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}

/** What `retractOutcome()` takes: the identity of the outcome, and a revision above the one it had. */
export interface OutcomeRetraction {
  readonly event_id: string;
  readonly user_id: string;
  readonly occurred_at: Moment;
  /** Above the outcome's own revision; 1 or more. */
  readonly revision: number;
  /** Default: the publisher's `source`. */
  readonly source?: string | undefined;
  /** Default commit: of a retraction it is not looked at. */
  readonly kind?: OutcomeKind | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}

const NOT_AN_OBJECT = reject('wrong_type', 'an outcome is an object');

/** Fills in the defaults, then applies the very checks that ingest applies. */
export function outcomeEvent(input: OutcomeInput, source: string, nowMs: number): CheckedInput<OutcomeEvent> {
  if (!isObject(input)) return NOT_AN_OBJECT;
  const read = outcomeFromJson({
    ...input,
    event_id: input.event_id ?? newEventId(nowMs),
    source: input.source ?? source,
    occurred_at: timeOf(input.occurred_at, nowMs),
  });
  return read.ok ? validateOutcome(read.value, nowMs) : read;
}

export function outcomeRetraction(input: OutcomeRetraction, source: string, nowMs: number): CheckedInput<OutcomeEvent> {
  if (!isObject(input)) return NOT_AN_OBJECT;
  if (!(input.revision >= 1)) return NO_REVISION;
  const read = outcomeFromJson({
    ...input,
    source: input.source ?? source,
    occurred_at: repeatedTime(input.occurred_at),
    kind: input.kind ?? 'commit',
    quantity: 0,
    retracted: true,
  });
  return read.ok ? validateOutcome(read.value, nowMs) : read;
}
