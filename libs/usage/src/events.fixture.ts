import {
  outcomeFromJson,
  usageFromJson,
  validateOutcome,
  validateUsage,
  type Checked,
  type JsonObject,
  type OutcomeEvent,
  type UsageEvent,
} from '@laurel/events';

/** For tests: a valid usage event, as a publisher's JSON would give it; what is not said is filled in. */
export function usageEvent(fields: JsonObject = {}): UsageEvent {
  const event = sound(
    usageFromJson({
      event_id: 'e-1',
      source: 'test',
      occurred_at: '2026-05-14T10:00:00Z',
      user_id: 'u-1',
      provider: 'anthropic',
      model: 'claude-sonnet-4-5',
      tokens: { input: 10 },
      origin: 'main',
      ...fields,
    }),
  );
  return sound(validateUsage(event, event.occurred_at));
}

/** For tests: a valid outcome likewise. */
export function outcomeEvent(fields: JsonObject = {}): OutcomeEvent {
  const event = sound(
    outcomeFromJson({
      event_id: 'o-1',
      source: 'test',
      occurred_at: '2026-05-14T10:00:00Z',
      user_id: 'u-1',
      kind: 'commit',
      ...fields,
    }),
  );
  return sound(validateOutcome(event, event.occurred_at));
}

function sound<T>(checked: Checked<T>): T {
  if (!checked.ok) throw new Error(checked.fault.message);
  return checked.value;
}
