import type { OutcomeEvent, UsageEvent } from '@laurel/events';
import { windowOf } from '@laurel/usage';
import type { Metric, TitleRule } from '../rule.js';
import { rank, type Measurement, type Standing } from '../standings.js';
import { countedFacts } from './counted.js';
import { activeDays } from './active-days.js';
import { cacheSaving } from './cache-saving.js';
import { cacheShare } from './cache-share.js';
import { cappedTokens } from './capped-tokens.js';
import { effectiveModels } from './effective-models.js';
import { whole } from '../evidence.js';
import { factsOf, type IsLeftOut, type PriceOf, type WindowFacts } from './facts.js';
import { listCost } from './list-cost.js';
import { longestSession } from './longest-session.js';
import { longestStreak } from './longest-streak.js';
import { outcomes } from './outcomes.js';
import { outcomesPerUsd } from './outcomes-per-usd.js';
import { quotient } from './quotient.js';
import { thriftGain } from './thrift-gain.js';

/**
 * Everybody's value of a metric; people without a counted event in the window have none.
 *
 * To the evidence of each metric `left_out_days` is added where it is not 0: the days of the window that the rule leaves out.
 */
export function measure(metric: Metric, facts: WindowFacts): Measurement[] {
  const leftOut = new Map(facts.people.map(({ userId, leftOutDays }) => [userId, leftOutDays]));
  return measured(metric, facts).map((one) => {
    const days = leftOut.get(one.userId) ?? 0;
    return days === 0 ? one : { ...one, evidence: { ...one.evidence, left_out_days: whole(days) } };
  });
}

function measured(metric: Metric, facts: WindowFacts): Measurement[] {
  const { people, company, medianBefore } = facts;
  switch (metric.kind) {
    case 'capped_tokens':
      return people.map((person) => cappedTokens(metric, person));
    case 'effective_models':
      return people.map((person) => effectiveModels(metric, person));
    case 'cache_share':
      return people.map((person) => cacheShare(metric, person, company));
    case 'longest_session':
      return people.map((person) => longestSession(metric, person));
    case 'list_cost':
      return people.map(listCost);
    case 'cache_saving':
      return people.map(cacheSaving);
    case 'outcomes':
      return people.map((person) => outcomes(metric, person));
    case 'outcomes_per_usd':
      return people.map((person) => outcomesPerUsd(metric, person));
    case 'thrift_gain': {
      const median = medianBefore(metric);
      return people.map((person) => thriftGain(metric, person, median));
    }
    case 'active_days':
      return people.map(activeDays);
    case 'longest_streak':
      return people.map((person) => longestStreak(metric, person));
    case 'quotient': {
      const per = measured(metric.per, facts);
      // Both are of all people, in their order.
      return measured(metric.of, facts).flatMap((of, index) => {
        const divisor = per[index];
        return divisor === undefined ? [] : [quotient(of, divisor)];
      });
    }
    default:
      return metric satisfies never;
  }
}

/**
 * The reference for a title's standings: what the services' queries have to arrive at.
 *
 * @param events deduplicated.
 * @param nowMs the instant of the evaluation; the rule's window ends with its UTC day.
 * @param priceOf list prices; by default none is known.
 * @param isLeftOut which days the rule leaves out; by default none.
 * @param made outcomes, deduplicated; by default none.
 */
export function standingsOf(
  rule: TitleRule,
  events: Iterable<UsageEvent>,
  nowMs: number,
  priceOf?: PriceOf,
  isLeftOut?: IsLeftOut,
  made?: Iterable<OutcomeEvent>,
): Standing[] {
  const facts = countedFacts(rule, factsOf(events, windowOf(rule.window, nowMs), priceOf, isLeftOut, made));
  return rank(rule.eligibility, measure(rule.metric, facts));
}
