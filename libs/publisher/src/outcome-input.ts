import { outcomeFromJson, reject, validateOutcome, type OutcomeEvent, type OutcomeKind } from '@laurel/events';
import { newEventId } from './event-id.js';
import {
  isObject,
  NO_REVISION,
  repeatedTime,
  timeOf,
  type CheckedInput,
  type EventDetails,
  type RetractedIdentity,
} from './usage-input.js';

/** What `recordOutcome()` takes: what came of the work. */
export interface OutcomeInput extends EventDetails {
  readonly kind: OutcomeKind;
  /** How many of the kind, 0 to 2^40. Default 1. */
  readonly quantity?: number | undefined;
}

/** What `retractOutcome()` takes. */
export interface OutcomeRetraction extends RetractedIdentity {
  /** Default commit: of a retraction it is not looked at. */
  readonly kind?: OutcomeKind | undefined;
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
