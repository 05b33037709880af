import {
  outcomeFromJson,
  usageFromJson,
  validateOutcome,
  validateUsage,
  type JsonObject,
  type OutcomeEvent,
  type UsageEvent,
} from '@laurel/events';

/** For tests: a valid usage event, as a publisher's JSON would give it; what is not said is filled in. */
export function usageEvent(fields: JsonObject = {}): UsageEvent {
  const read = usageFromJson({
    event_id: 'e-1',
    source: 'test',
    occurred_at: '2026-05-14T10:00:00Z',
    user_id: 'u-1',
    provider: 'anthropic',
    model: 'claude-sonnet-4-5',
    tokens: { input: 10 },
    origin: 'main',
    ...fields,
  });
  if (!read.ok) throw new Error(read.fault.message);
  const valid = validateUsage(read.value, read.value.occurred_at);
  if (!valid.ok) throw new Error(valid.fault.message);
  return valid.value;
}

/** For tests: a valid outcome likewise. */
export function outcomeEvent(fields: JsonObject = {}): OutcomeEvent {
  const read = outcomeFromJson({
    event_id: 'o-1',
    source: 'test',
    occurred_at: '2026-05-14T10:00:00Z',
    user_id: 'u-1',
    kind: 'commit',
    ...fields,
  });
  if (!read.ok) throw new Error(read.fault.message);
  const valid = validateOutcome(read.value, read.value.occurred_at);
  if (!valid.ok) throw new Error(valid.fault.message);
  return valid.value;
}
