import { isWholeUnit, levelEntries, tierLevels, unitOf, type TieredRule } from '@laurel/titles';
import type { Window } from '@laurel/usage';
import type { Statement } from '../projections.js';
import { eligiblePeople, ruleParams, type Alias } from './candidates.js';

/** People fall into so many buckets, by a hash of their ids. */
export const BUCKETS = 1024;

/** A person in one scope: user id, part of the company, rank, and how many levels are reached and kept, at the least and at the most. */
export type ZoneTuple = readonly [string, string, number, number, number, number, number];

/** The people of one bucket who reach or would keep a tier. */
export interface BucketRow {
  readonly bucket: number;
  /** From 1 to 2^53: another one whenever somebody in the bucket comes into another zone. */
  readonly hash: number;
  /** Empty where the hash is the one that was known. */
  readonly people: readonly ZoneTuple[];
}

/** The eligible people of a scope, and by `top_per_mille` the values that they are measured by. */
export interface PeersRow {
  readonly part: string;
  readonly people: number;
  readonly thresholds: readonly number[];
}

/** SQL's values may be off by the last bits of a float, where they are no whole numbers. Relative, and far more than that. */
const FUZZ = 1e-9;

const fuzzOf = (rule: TieredRule): number => (isWholeUnit(unitOf(rule.metric)) ? 0 : FUZZ);

/**
 * Everybody's zone (see `TierZone` of libs/titles), by buckets, and of those buckets alone whose hash is another one than
 * is known: so of 85,000 people those come who may have crossed a threshold, and some who are in one bucket with them.
 *
 * @param known by bucket; 0 where none is.
 */
export function tierZones(
  rule: TieredRule,
  window: Window,
  aliases: readonly Alias[],
  known: readonly number[],
): Statement {
  const count = (of: string, isWithin: string): string => `toUInt8(arrayCount(one -> ${isWithin}, ${of}))`;
  const reached = (amount: string): string =>
    rule.tiers.by === 'value' ? count('thresholds', `${amount} >= one`) : count('places', 'place <= one');
  const kept = (amount: string): string => count('kept_from', `${amount} >= one`);
  return {
    query: `
      SELECT bucket, toUInt64(sum(zone)) % 9007199254740881 + 1 AS hash,
        if(hash = [${known.join(', ')}][bucket + 1], [], groupArray((user_id, part, place, reached_least, kept_least, reached_most, kept_most))) AS people
      FROM (
        SELECT user_id, part, toUInt32(place) AS place, toUInt16(cityHash64(user_id) % ${BUCKETS}) AS bucket,
          ${reached('amount * (1 - {fuzz:Float64})')} AS reached_least, ${kept('amount * (1 - {fuzz:Float64})')} AS kept_least,
          ${reached('amount * (1 + {fuzz:Float64})')} AS reached_most, ${kept('amount * (1 + {fuzz:Float64})')} AS kept_most,
          cityHash64(user_id, part, reached_least, kept_least, reached_most, kept_most) AS zone
        FROM (${withThresholds(rule, aliases)})
        WHERE reached_most > 0 OR kept_most > 0
      )
      GROUP BY bucket`,
    query_params: { ...paramsOf(rule, window), fuzz: fuzzOf(rule) },
  };
}

/** How many eligible people there are in each scope, and what tiers for the best of them are measured by. */
export function tierPeers(rule: TieredRule, window: Window, aliases: readonly Alias[]): Statement {
  return {
    query: `SELECT part, toUInt32(any(people)) AS people, any(thresholds) AS thresholds FROM (${withThresholds(rule, aliases)}) GROUP BY part`,
    query_params: paramsOf(rule, window),
  };
}

const paramsOf = (rule: TieredRule, window: Window): Readonly<Record<string, unknown>> => {
  const levels = tierLevels(rule.tiers, { people: 0, thresholds: [] });
  return {
    ...ruleParams(rule, window),
    ...(rule.tiers.by === 'value'
      ? { thresholds: levels.map((one) => one.threshold), kept_from: levels.map((one) => one.keptFrom) }
      : {}),
  };
};

/** SQL: the eligible people, each with `amount`, `people`, `thresholds`, `kept_from` and, by `top_per_mille`, `places`; as `tierLevels` of libs/titles. */
function withThresholds(rule: TieredRule, aliases: readonly Alias[]): string {
  const eligible = `SELECT *, toFloat64(value) AS amount, count() OVER (PARTITION BY part) AS people FROM (${eligiblePeople(rule, aliases)})`;
  if (rule.tiers.by === 'value') {
    return `SELECT *, {thresholds:Array(Float64)} AS thresholds, {kept_from:Array(Float64)} AS kept_from FROM (${eligible})`;
  }
  const parts = levelEntries(rule.tiers.levels).map(([, perMille]) => perMille);
  const places = parts.map((perMille) => `intDiv(people * ${perMille}, 1000)`);
  const thresholds = places.map((one) => `maxIf(amount, position = greatest(1, ${one})) OVER (PARTITION BY part)`);
  const { kind, by } = rule.tiers.margin;
  const keptFromOne = kind === 'relative' ? `one * (1 - ${by})` : `1 - (1 - one) * (1 + ${by})`;
  return `
    SELECT *, arrayMap(one -> ${keptFromOne}, thresholds) AS kept_from
    FROM (SELECT *, [${thresholds.join(', ')}] AS thresholds, [${places.join(', ')}] AS places FROM (${eligible}))`;
}
