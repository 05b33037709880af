import { noTokens, type UsageRecorded } from '@laurel/events';
import type { Random } from '../random.js';

/** Sound events of the last days, some of them twice. */
export function someEvents(name: string, count: number, random: Random, users = 40): UsageRecorded[] {
  const events = Array.from({ length: count }, (_, index): UsageRecorded => ({
    event_id: `${name}-${index}`,
    source: 'chaos-part',
    revision: 0,
    retracted: false,
    occurred_at: Date.now() - random.below(3 * 86_400_000),
    user_id: `u-${index % users}`,
    team: null,
    session_id: `s-${index % 9}`,
    provider: 'anthropic',
    model: 'claude-sonnet-4-6',
    tokens: { ...noTokens, input: random.below(1000), output: random.below(1000) },
    cost_micro_usd: null,
    status: 'ok',
    origin: 'main',
    attributes: {},
  }));
  return [...events, ...events.filter((_, index) => index % 10 === 0)];
}
