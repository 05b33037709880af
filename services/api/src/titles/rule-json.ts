import { z } from 'zod';
import {
  eligibilitySchema,
  fairPlaySchema,
  levelEntries,
  marginSchema,
  metricSchema,
  tierNames,
  unitOf,
  usageFilterSchema,
  type TitleRule,
} from '@laurel/titles';
import { component } from '../http/components.js';
import { windowSchema } from '../usage/window-json.js';
import type { NamedWindow } from '../usage/window-json.js';

const day = z.iso.date().nullable().describe('a UTC day, included; null without a bound');

export const levelSchema = z.object({
  tier: z.enum(tierNames),
  at: z.number().describe('the least value, or the part of the eligible people in thousandths'),
});

export const tiersSchema = z.object({
  by: z.enum(['value', 'top_per_mille']),
  levels: z.array(levelSchema).readonly().describe('the lowest first'),
  margin: marginSchema.describe('how far below its threshold a tier is kept'),
});

/** What a rule says, whatever it is asked of. */
export const ruleShape = {
  id: z.string(),
  name: z.string(),
  description: z.string(),
  icon: z.string().nullable().describe('an emoji or a few letters; null when the rule has none'),
  version: z.int(),
  metric: metricSchema.describe('its kind and parameters, as in the rule'),
  unit: z.string().describe('of every value of this title'),
  window: component('Window', windowSchema),
  usage: usageFilterSchema.nullable().describe('which usage counts; null for all'),
  eligibility: eligibilitySchema,
  fair_play: fairPlaySchema.nullable().describe('which days of a person are left out; null for none'),
  margin: marginSchema,
  max_holders: z.int().describe('how many may hold it at a time'),
  dwell_hours: z.int().describe('for so long after the award nobody can overtake the holder'),
  tiers: tiersSchema.nullable().describe('what everybody who is eligible can reach; null where the rule has none'),
  valid_from: day,
  valid_until: day,
};

export type RuleJson = Readonly<z.output<z.ZodObject<typeof ruleShape>>>;

export const ruleJson = (rule: TitleRule, { json }: NamedWindow): RuleJson => ({
  id: rule.id,
  name: rule.name,
  description: rule.description,
  icon: rule.icon ?? null,
  version: rule.version,
  metric: rule.metric,
  unit: unitOf(rule.metric),
  window: json,
  usage: rule.usage ?? null,
  eligibility: rule.eligibility,
  fair_play: rule.fair_play ?? null,
  margin: rule.margin,
  max_holders: rule.holders,
  dwell_hours: rule.dwell_hours,
  tiers:
    rule.tiers === undefined
      ? null
      : {
          by: rule.tiers.by,
          levels: levelEntries(rule.tiers.levels).map(([tier, at]) => ({ tier, at })),
          margin: rule.tiers.margin,
        },
  valid_from: rule.valid_from ?? null,
  valid_until: rule.valid_until ?? null,
});
