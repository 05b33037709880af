import pRetry from 'p-retry';

/**
 * The one policy for failures of what Laurel depends on:
 * `retriable` is an outage: wait and try again, for ever;
 * `rows` is the fault of some of the rows: the caller isolates them;
 * `fatal` is anything else, a bug or a wrong configuration: the process stops, and its restart repeats the batch.
 */
export type FailureKind = 'retriable' | 'rows' | 'fatal';

export interface RetryPolicy {
  readonly classify: (error: unknown) => FailureKind;
  /** Told of each failed attempt that will be repeated. */
  readonly onOutage?: (step: string, error: Error, attempt: number) => void;
  /** Longest wait between two attempts, in ms. Default 10 000. */
  readonly maxDelayMs?: number;
}

/**
 * Runs `attempt` until it succeeds, fails in a way that is not an outage, or the signal aborts.
 * Waits double from 100 ms, with jitter, so that several instances do not come back in step.
 */
export async function keepTrying<T>(
  step: string,
  attempt: () => Promise<T>,
  policy: RetryPolicy,
  signal?: AbortSignal,
): Promise<T> {
  return pRetry(attempt, {
    retries: Infinity,
    minTimeout: 100,
    factor: 2,
    randomize: true,
    maxTimeout: policy.maxDelayMs ?? 10_000,
    ...(signal === undefined ? {} : { signal }),
    shouldRetry: ({ error }) => policy.classify(error) === 'retriable',
    onFailedAttempt: ({ error, attemptNumber }) => {
      if (policy.classify(error) === 'retriable') policy.onOutage?.(step, error, attemptNumber);
    },
  });
}
