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
  /**
   * For how long attempts may begin, in ms; then the last one's failure is thrown. An attempt that is under way is never given
   * up: how long it takes is its own affair. Default: for ever.
   */
  readonly withinMs?: number;
}

/**
 * Runs `attempt` until it succeeds, fails in a way that is not an outage, or the signal aborts; within the policy's time.
 * Waits double from 100 ms, with jitter, so that several instances do not come back in step.
 */
export async function keepTrying<T>(
  step: string,
  attempt: () => Promise<T>,
  policy: RetryPolicy,
  signal?: AbortSignal,
): Promise<T> {
  const isOutage = (error: Error): boolean =>
    error instanceof FailedAttempt && policy.classify(error.failure) === 'retriable';
  try {
    return await pRetry(
      () =>
        attempt().catch((failure: unknown) => {
          throw new FailedAttempt(failure);
        }),
      {
        retries: Infinity,
        minTimeout: 100,
        factor: 2,
        randomize: true,
        maxTimeout: policy.maxDelayMs ?? 10_000,
        ...(policy.withinMs === undefined ? {} : { maxRetryTime: policy.withinMs }),
        ...(signal === undefined ? {} : { signal }),
        shouldRetry: ({ error }) => isOutage(error),
        onFailedAttempt: ({ error, attemptNumber }) => {
          if (isOutage(error)) policy.onOutage?.(step, asError((error as FailedAttempt).failure), attemptNumber);
        },
      },
    );
  } catch (error) {
    throw error instanceof FailedAttempt ? error.failure : error;
  }
}

/** Hides a failure from p-retry, which by itself decides on the message of a TypeError; here the policy alone decides. */
class FailedAttempt extends Error {
  constructor(readonly failure: unknown) {
    super();
  }
}

const asError = (failure: unknown): Error => (failure instanceof Error ? failure : new Error(String(failure)));
