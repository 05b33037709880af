import { usageFromJson, validateUsage, type JsonObject, type UsageEvent } from '@laurel/events';

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
