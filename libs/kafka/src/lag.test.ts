import fc from 'fast-check';
import { LagClock } from './lag.js';

describe('the lag of a partition', () => {
  it('is nothing where everything is committed, however old the last record', () => {
    const clock = new LagClock();
    expect(clock.lag(0)).toEqual({ records: 0, seconds: 0, stalledSeconds: 0 });
    clock.look(0, 10, 10);
    clock.look(60_000, 10, 10);
    expect(clock.lag(90_000)).toEqual({ records: 0, seconds: 0, stalledSeconds: 0 });
  });

  it('counts from when the first waiting record was seen, not from the last that was handled', () => {
    const clock = new LagClock();
    clock.look(0, 10, 10);
    clock.look(3_600_000, 12, 10);
    expect(clock.lag(3_605_000)).toEqual({ records: 2, seconds: 5, stalledSeconds: 5 });
  });

  it('goes on to grow while nobody can be asked', () => {
    const clock = new LagClock();
    clock.look(0, 5, 0);
    expect(clock.lag(100_000)).toEqual({ records: 5, seconds: 100, stalledSeconds: 100 });
  });

  it('shrinks with each commit, though more comes in', () => {
    const clock = new LagClock();
    clock.look(0, 10, 0);
    clock.look(10_000, 20, 0);
    clock.look(20_000, 30, 10);
    expect(clock.lag(20_000)).toEqual({ records: 20, seconds: 10, stalledSeconds: 0 });
    clock.look(30_000, 30, 25);
    expect(clock.lag(30_000)).toEqual({ records: 5, seconds: 10, stalledSeconds: 0 });
    clock.look(40_000, 30, 30);
    expect(clock.lag(50_000)).toEqual({ records: 0, seconds: 0, stalledSeconds: 0 });
  });

  it('takes a partition that nothing was committed of as waiting from its beginning', () => {
    const clock = new LagClock();
    clock.look(0, 3, -1);
    expect(clock.lag(1000)).toMatchObject({ records: 3, seconds: 1 });
  });

  it('is never younger than the truth, but for the time between two looks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ came: fc.nat(5), done: fc.nat(5) }), { minLength: 1, maxLength: 60 }),
        (steps) => {
          const clock = new LagClock();
          const cameAt: number[] = [];
          let committed = 0;
          let now = 0;
          clock.look(now, 0, 0);
          for (const { came, done } of steps) {
            now += 1000;
            for (let n = 0; n < came; n += 1) cameAt.push(now);
            committed = Math.min(cameAt.length, committed + done);
            clock.look(now, cameAt.length, committed);
            const oldest = cameAt[committed];
            expect(clock.lag(now)).toMatchObject({
              records: cameAt.length - committed,
              seconds: oldest === undefined ? 0 : (now - oldest) / 1000,
            });
          }
        },
      ),
    );
  });

  it('is bounded in memory, and stays an upper part of the truth when it was thinned out', () => {
    const clock = new LagClock();
    for (let n = 1; n <= 20_000; n += 1) clock.look(n, n, 0);
    expect(clock.lag(20_000)).toMatchObject({ records: 20_000, seconds: 19.999 });
    clock.look(20_001, 20_001, 10_000);
    const { seconds } = clock.lag(20_001);
    expect(seconds).toBeGreaterThan(9.9);
    expect(seconds).toBeLessThanOrEqual(10.001);
  });
});
