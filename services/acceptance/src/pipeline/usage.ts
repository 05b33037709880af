import { randomUUID } from 'node:crypto';
import { noTokens, type OutcomeRecorded, type TokenCounts, type UsageRecorded } from '@laurel/events';

/** A sound event of now; `tokens` completes what is given with zeros. */
export function usage(
  fields: Partial<Omit<UsageRecorded, 'tokens'>> & { readonly tokens?: Partial<TokenCounts> } = {},
): UsageRecorded {
  const { tokens, ...rest } = fields;
  return {
    event_id: randomUUID(),
    source: 'acceptance',
    revision: 0,
    retracted: false,
    occurred_at: Date.now(),
    user_id: 'u-ada',
    team: null,
    session_id: null,
    provider: 'anthropic',
    model: 'claude-sonnet-4-6',
    cost_micro_usd: null,
    status: 'ok',
    origin: 'main',
    attributes: {},
    ...rest,
    tokens: { ...noTokens, ...tokens },
  };
}

/** A sound outcome of now: one commit, unless something else is given. */
export const outcome = (fields: Partial<OutcomeRecorded> = {}): OutcomeRecorded => ({
  event_id: randomUUID(),
  source: 'acceptance',
  revision: 0,
  retracted: false,
  occurred_at: Date.now(),
  user_id: 'u-ada',
  team: null,
  session_id: null,
  kind: 'commit',
  quantity: 1,
  attributes: {},
  ...fields,
});

/** The documented JSON form. */
export const toJson = (event: UsageRecorded): string =>
  JSON.stringify({ ...event, occurred_at: new Date(event.occurred_at).toISOString() });
