import type { UsageEvent } from '@laurel/events';
import { tokensOf, type PersonDay } from '../person-day.js';
import { thresholds, type SignalEvidence } from '../signal.js';

/**
 * Many models that were hardly used: each with less than so many thousandths of the day’s tokens. Models by their ids as published.
 *
 * Evidence: `models` (all of the day), `tiny_models`, `tokens` (of the day).
 */
export function tinyModels({ events }: PersonDay): SignalEvidence | null {
  const { models: least, perMilleBelow } = thresholds.tiny_models;
  const tokens = tokensOf(events);
  const byModel = new Map<string, UsageEvent[]>();
  for (const event of events) byModel.set(event.model, [...(byModel.get(event.model) ?? []), event]);
  const tiny = [...byModel.values()].filter((own) => tokensOf(own) * 1000n < tokens * BigInt(perMilleBelow)).length;
  if (tiny < least) return null;
  return { models: String(byModel.size), tiny_models: String(tiny), tokens: String(tokens) };
}
