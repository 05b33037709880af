import { jest } from '@jest/globals';
import { keepTrying, type FailureKind, type RetryPolicy } from './keep-trying.js';

class Outage extends Error {}

const classify = (error: unknown): FailureKind => (error instanceof Outage ? 'retriable' : 'fatal');

describe('keepTrying', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  /** The moments of the attempts, in ms since the first, of which all but the last find an outage. */
  async function momentsOf(attempts: number, policy: RetryPolicy): Promise<number[]> {
    const began = Date.now();
    const moments: number[] = [];
    const result = keepTrying(
      'store',
      () => {
        moments.push(Date.now() - began);
        return moments.length < attempts ? Promise.reject(new Outage()) : Promise.resolve('done');
      },
      policy,
    );
    await jest.runAllTimersAsync();
    await expect(result).resolves.toBe('done');
    return moments;
  }

  const waitsBetween = (moments: readonly number[]): number[] =>
    moments.slice(1).map((moment, index) => moment - (moments[index] ?? 0));

  it('doubles its waits from 100 ms, with jitter, up to the longest', async () => {
    const waits = waitsBetween(await momentsOf(30, { classify }));
    expect(waits).toHaveLength(29);
    waits.forEach((wait, index) => {
      const least = 100 * 2 ** index;
      expect(wait).toBeGreaterThanOrEqual(Math.min(least, 10_000));
      expect(wait).toBeLessThanOrEqual(Math.min(2 * least, 10_000));
    });
    expect(waits.at(-1)).toBe(10_000);
  });

  it('spreads its waits, so that several instances do not come back in step', async () => {
    const first = new Set<number | undefined>();
    for (let instance = 0; instance < 20; instance += 1) first.add(waitsBetween(await momentsOf(2, { classify }))[0]);
    expect(first.size).toBeGreaterThan(5);
  });

  it('waits no longer than it is told', async () => {
    const waits = waitsBetween(await momentsOf(10, { classify, maxDelayMs: 150 }));
    expect(Math.max(...waits)).toBe(150);
  });

  it('tells of each failed attempt that it repeats, and of no other', async () => {
    const told: [string, string, number][] = [];
    const policy: RetryPolicy = {
      classify,
      onOutage: (step, error, attempt) => void told.push([step, error.message, attempt]),
    };
    const errors = [new Outage('one'), new Outage('two'), new Error('a bug')];
    const result = keepTrying('announce', () => Promise.reject(errors.shift() ?? new Error('asked again')), policy);
    const outcome = expect(result).rejects.toThrow('a bug');
    await jest.runAllTimersAsync();
    await outcome;
    expect(told).toEqual([
      ['announce', 'one', 1],
      ['announce', 'two', 2],
    ]);
  });

  it.each<FailureKind>(['fatal', 'rows'])('fails at once with what is %s', async (kind) => {
    let attempts = 0;
    const failure = new Error('refused');
    const attempt = () => {
      attempts += 1;
      return Promise.reject(failure);
    };
    await expect(keepTrying('store', attempt, { classify: () => kind })).rejects.toBe(failure);
    expect(attempts).toBe(1);
  });

  it('leaves to the policy alone what is an outage', async () => {
    // p-retry by itself never repeats a TypeError, unless its message is one of a browser's.
    let attempts = 0;
    const result = keepTrying(
      'registry',
      () => {
        attempts += 1;
        return attempts < 3 ? Promise.reject(new TypeError('the socket is gone')) : Promise.resolve(attempts);
      },
      { classify: () => 'retriable' },
    );
    const outcome = expect(result).resolves.toBe(3);
    await jest.runAllTimersAsync();
    await outcome;
  });

  it('ends its wait when the signal aborts', async () => {
    const stop = new AbortController();
    const reason = new Error('the partition was lost');
    let attempts = 0;
    const attempt = () => {
      attempts += 1;
      return Promise.reject(new Outage());
    };
    const outcome = expect(keepTrying('store', attempt, { classify }, stop.signal)).rejects.toBe(reason);
    await jest.advanceTimersByTimeAsync(50);
    stop.abort(reason);
    await outcome;
    expect(attempts).toBe(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('throws the last failure when its time is over, and not that it is', async () => {
    const began = Date.now();
    const moments: number[] = [];
    const outcome = expect(
      keepTrying(
        'ask',
        () => {
          moments.push(Date.now() - began);
          return Promise.reject(new Outage(`attempt ${moments.length}`));
        },
        { classify, maxDelayMs: 1000, withinMs: 5000 },
      ).catch((error: unknown) => error),
    ).resolves.toEqual(expect.objectContaining({ message: expect.stringMatching(/^attempt \d+$/) as string }));
    await jest.runAllTimersAsync();
    await outcome;
    expect(moments.length).toBeGreaterThan(4);
    expect(moments.at(-1)).toBeGreaterThan(3900);
    expect(moments.at(-1)).toBeLessThanOrEqual(5000);
  });

  it('does not give up an attempt that takes longer than its time', async () => {
    const slow = (): Promise<string> => new Promise((resolve) => setTimeout(() => resolve('late'), 12_000));
    const outcome = expect(keepTrying('ask', slow, { classify, withinMs: 10_000 })).resolves.toBe('late');
    await jest.runAllTimersAsync();
    await outcome;
  });

  it('does not begin when the signal has aborted before', async () => {
    let attempts = 0;
    const attempt = () => {
      attempts += 1;
      return Promise.resolve();
    };
    await expect(keepTrying('store', attempt, { classify }, AbortSignal.abort())).rejects.toThrow('aborted');
    expect(attempts).toBe(0);
  });

  it('ends when the signal aborts for a reason that counts as an outage', async () => {
    const stop = new AbortController();
    const outcome = expect(
      keepTrying(
        'store',
        () => {
          stop.abort(new Outage('not coordinator'));
          return Promise.reject(new Outage());
        },
        { classify },
        stop.signal,
      ),
    ).rejects.toBeInstanceOf(Outage);
    await jest.runAllTimersAsync();
    await outcome;
  });
});
