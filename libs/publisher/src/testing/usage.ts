import type { UsageInput } from '../index.js';

/** A valid event, with what a test cares about in place of the defaults. */
export const usage = (given: Partial<UsageInput> = {}): UsageInput =>
  ({
    user_id: 'u-1',
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    tokens: { input: 10, output: 5 },
    ...given,
  }) as UsageInput;
