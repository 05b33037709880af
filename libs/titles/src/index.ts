export * from './rule.js';
export { builtInRules } from './built-in-rules.js';
export { readRulesFile, titlesJsonSchema, type RulesFileFault } from './rules-file.js';
export { ruleChanges, type RuleChange } from './rule-change.js';
export { publishedRules, RuleBook, RulesNotUnderstood } from './rule-book.js';
export * from './evidence.js';
export * from './standings.js';
export {
  factsByScope,
  isScopeOf,
  LEAST_COHORT,
  scopeOfFamily,
  scopeOfPart,
  scopeOfTeam,
  standingsByScope,
} from './scope.js';
export * from './state.js';
export * from './board.js';
export * from './evolve.js';
export { AwardFold, fold } from './award-fold.js';
export * from './decide.js';
export * from './tiers/tier.js';
export * from './tiers/levels.js';
export { TierBook, tierKey, titleTierOf, type TierChange, type TierHeld } from './tiers/tier-book.js';
export * from './tiers/decide-tiers.js';
export { explainTier, type TierExplanation } from './tiers/explain-tier.js';
export { simulate, type SimulatedDay, type UsageHistory } from './simulate.js';
export {
  companyCacheShare,
  countedRows,
  courseOf,
  turnsOf,
  type EverybodysCourse,
  type Models,
} from './courses/course-of.js';
export { Leaders, type Leader } from './courses/leaders.js';
export * from './courses/person-hours.js';
export { timelineOf, type Course, type Timeline } from './courses/timeline.js';
export { explain, type Explanation, type Lack } from './explain.js';
export { awardIdOf } from './award-id.js';
export type { LoggedAward } from './logged-award.js';
export { correctedHolders, isLoweredByCorrection } from './correction.js';
export { generatedHandle } from './handle.js';
export { isAheadBy } from './margin.js';
export * from './undelivered.js';
export { compareUtf8 } from '@laurel/usage';
export { isWholeUnit, valueText } from './value-text.js';
export {
  factsOf,
  type IsLeftOut,
  type ModelDay,
  type PersonBefore,
  type PersonFacts,
  type PriceOf,
  type WindowFacts,
} from './metrics/facts.js';
export { asksBefore, asksEverybody, asksOutcomes, asksSessions } from './metrics/asks.js';
export { cacheShareOf } from './metrics/cache-share.js';
export { countedFacts, countedPeople } from './metrics/counted.js';
export { groupBy } from './metrics/grouping.js';
export { measure, standingsOf } from './metrics/measure.js';
export { pointKinds, type DayOutcomes } from './metrics/points.js';
