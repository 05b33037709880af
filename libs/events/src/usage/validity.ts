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
import type { UsageRecorded } from '../generated/types.js';
import { accept, reject, type Checked } from '../checked.js';
import { tokenFields } from '../tokens.js';

/** A usage event that passed `validateUsage`: nothing else makes one. */
export type UsageEvent = Valid<UsageRecorded>;

/** Inclusive bounds of what is accepted; DESIGN: validity depends on the record alone. */
export const usageLimits = {
  ...recordLimits,
  maxCount: 2 ** 40,
  maxCostMicroUsd: 2 ** 50,
} as const;

const REQUIRED_IDS = ['event_id', 'source', 'user_id', 'provider', 'model'] as const;

/**
 * Checks every bound of a decoded event. An empty `team` or `session_id` means none.
 *
 * @param recordTimestampMs the record's own Kafka timestamp (LogAppendTime), which bounds `occurred_at` from above.
 */
export function validateUsage(event: UsageRecorded, recordTimestampMs: number): Checked<UsageEvent> {
  const fault =
    checkRequiredIds(event, REQUIRED_IDS) ??
    checkOptionalIds(event) ??
    checkUser(event) ??
    checkTokens(event) ??
    checkRevision(event) ??
    checkCost(event) ??
    checkTime(event, recordTimestampMs) ??
    checkAttributes(event.attributes);
  return fault ?? accept(withoutEmpty(event));
}

function checkTokens({ tokens }: UsageRecorded): Checked<never> | undefined {
  for (const field of tokenFields) {
    if (!isCount(tokens[field], usageLimits.maxCount)) {
      return reject('count_out_of_range', `tokens.${field} is not a whole number from 0 to 2^40`, `tokens.${field}`);
    }
  }
  if (tokens.reasoning <= tokens.output) return undefined;
  return reject(
    'reasoning_exceeds_output',
    'reasoning tokens are a part of output tokens and cannot exceed them',
    'tokens.reasoning',
  );
}

function checkCost({ cost_micro_usd: cost }: UsageRecorded): Checked<never> | undefined {
  if (cost === null || isCount(cost, usageLimits.maxCostMicroUsd)) return undefined;
  return reject('count_out_of_range', 'cost_micro_usd is not a whole number from 0 to 2^50', 'cost_micro_usd');
}
