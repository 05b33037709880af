import { tokenFields, totalTokens } from '@laurel/events';
import { compareUtf8 } from '@laurel/usage';
import type { PersonDay } from '../person-day.js';
import { thresholds, type SignalEvidence } from '../signal.js';

interface Shape {
  readonly model: string;
  readonly tokens: number;
  calls: number;
}

/**
 * Many calls that are alike to the last token: same provider, model, and counts of every class. What was asked is not known, but answers are
 * seldom equally long. Of several such shapes the most frequent, then the larger, then that of the model whose id comes first by its bytes.
 *
 * Evidence: `calls` (of the shape), `all_calls` (of the day), `model`, `tokens` (of one call).
 */
export function repeatedShape({ events }: PersonDay): SignalEvidence | null {
  const least = thresholds.repeated_shape;
  const shapes = new Map<string, Shape>();
  for (const { provider, model, tokens } of events) {
    const key = JSON.stringify([provider, model, ...tokenFields.map((field) => tokens[field])]);
    const shape = shapes.get(key) ?? { model, tokens: totalTokens(tokens), calls: 0 };
    shapes.set(key, shape);
    shape.calls += 1;
  }
  const [best] = [...shapes.values()]
    .filter(({ calls, tokens }) => calls >= least.calls && tokens >= least.tokens)
    .sort((a, b) => b.calls - a.calls || b.tokens - a.tokens || compareUtf8(a.model, b.model));
  if (best === undefined) return null;
  return {
    calls: String(best.calls),
    all_calls: String(events.length),
    model: best.model,
    tokens: String(best.tokens),
  };
}
