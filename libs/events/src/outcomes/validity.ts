import {
  checkAttributes,
  checkOptionalIds,
  checkRequiredIds,
  checkRevision,
  checkTime,
  checkUser,
  isCount,
  recordLimits,
  withoutEmpty,
  type Valid,
} from '../event/validity.js';
import type { OutcomeRecorded } from '../generated/types.js';
import { accept, reject, type Checked } from '../checked.js';

/** An outcome that passed `validateOutcome`: nothing else makes one. */
export type OutcomeEvent = Valid<OutcomeRecorded>;

/** Inclusive bounds of what is accepted. */
export const outcomeLimits = { ...recordLimits, maxQuantity: 2 ** 40 } as const;

const REQUIRED_IDS = ['event_id', 'source', 'user_id'] as const;

/**
 * Checks every bound of a decoded outcome. An empty `team` or `session_id` means none.
 *
 * @param recordTimestampMs the record's own Kafka timestamp (LogAppendTime), which bounds `occurred_at` from above.
 */
export function validateOutcome(event: OutcomeRecorded, recordTimestampMs: number): Checked<OutcomeEvent> {
  const fault =
    checkRequiredIds(event, REQUIRED_IDS) ??
    checkOptionalIds(event) ??
    checkUser(event) ??
    checkQuantity(event) ??
    checkRevision(event) ??
    checkTime(event, recordTimestampMs) ??
    checkAttributes(event.attributes);
  return fault ?? accept(withoutEmpty(event));
}

const checkQuantity = ({ quantity }: OutcomeRecorded): Checked<never> | undefined =>
  isCount(quantity, outcomeLimits.maxQuantity)
    ? undefined
    : reject('count_out_of_range', 'quantity is not a whole number from 0 to 2^40', 'quantity');
