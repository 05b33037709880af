import { jest } from '@jest/globals';
import { SLOW_MS, SlowRequest } from './slow-request.js';

describe('a request that takes long', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('is told with what it waits for, again and again, and when it is over', () => {
    const told: string[] = [];
    const request = new SlowRequest('q-1', (line) => told.push(line.slice(25)));
    request.statement = 'SELECT\n  1';
    jest.advanceTimersByTime(SLOW_MS);
    request.waitsFor = 'its turn';
    jest.advanceTimersByTime(SLOW_MS + 5000);
    request.end();
    jest.advanceTimersByTime(SLOW_MS);
    expect(told).toEqual([
      'q-1 waits for its body, after 30 s: SELECT 1',
      'q-1 waits for its turn, after 60 s: SELECT 1',
      'q-1 is over, after 65 s: SELECT 1',
    ]);
  });

  it('is not told when it ended in time', () => {
    const told: string[] = [];
    const request = new SlowRequest('q-1', (line) => told.push(line));
    jest.advanceTimersByTime(SLOW_MS - 1);
    request.end();
    jest.advanceTimersByTime(SLOW_MS);
    expect(told).toEqual([]);
  });
});
