import type { UsageStored } from '@laurel/events';
import { hourInDay, minuteInDay, type Day, type Hour, type Minute } from '@laurel/usage';
import { byDayOf, PendingRolls, touchedHoursByDay, type ClosedBefore, type RollPlan } from './pending-rolls.js';

const DAY = 20_000 as Day;
const NEXT_DAY = (DAY + 1) as Day;
const LATE = { quietMs: 2000, maxWaitMs: 20_000 };

const stored = (day: Day, minutes: readonly number[], oldest: number | null = null): UsageStored => ({
  day,
  minutes,
  close_hour: null,
  cause: 'recorded',
  announced_at: 0,
  oldest_record_at: oldest,
  outcomes: false,
});
const hourOver = (day: Day, hour: number): UsageStored => ({
  ...stored(day, []),
  close_hour: hour,
  cause: 'hour_over',
});
/** Every hour before this one is closed, and every day before `day`. */
const closedUpTo = (day: Day, hour: number): ClosedBefore => ({ hour: hourInDay(day, hour), day });
const minute = (minuteOfTheDay: number, day = DAY): Minute => minuteInDay(day, minuteOfTheDay);
const hour = (hourOfTheDay: number, day = DAY): Hour => hourInDay(day, hourOfTheDay);

const nothing: RollPlan = {
  offset: -1,
  minutes: [],
  hours: [],
  closeHours: [],
  days: [],
  closeDays: [],
  outcomeDays: [],
  oldestRecordAtMs: Infinity,
};

describe('PendingRolls', () => {
  let pending: PendingRolls;
  beforeEach(() => {
    pending = new PendingRolls();
  });

  it('plans nothing and commits nothing before the first announcement', () => {
    expect(pending.plan(closedUpTo(DAY, 0), 0, LATE)).toBeUndefined();
    expect(pending.committable()).toBeUndefined();
  });

  it('rolls open minutes at once, each once, whatever the order of announcements', () => {
    pending.add(4, stored(DAY, [605, 601], 70), 0);
    pending.add(5, stored(DAY, [601, 600], 50), 0);
    expect(pending.plan(closedUpTo(DAY, 10), 0, LATE)).toEqual({
      ...nothing,
      offset: 5,
      minutes: [minute(600), minute(601), minute(605)],
      oldestRecordAtMs: 50,
    });
    expect(pending.plan(closedUpTo(DAY, 10), 60_000, LATE)).toBeUndefined();
  });

  it('commits nothing that is planned and not settled', () => {
    pending.add(4, stored(DAY, [600]), 0);
    expect(pending.committable()).toBe(4);
    pending.plan(closedUpTo(DAY, 10), 0, LATE);
    expect(pending.committable()).toBe(4);
    pending.settle();
    expect(pending.committable()).toBe(5);
  });

  it('keeps what comes in between a plan and its end for the next plan', () => {
    pending.add(4, stored(DAY, [600]), 0);
    pending.plan(closedUpTo(DAY, 10), 0, LATE);
    pending.add(5, stored(DAY, [600, 601]), 0);
    pending.settle();
    expect(pending.committable()).toBe(5);
    expect(pending.plan(closedUpTo(DAY, 10), 0, LATE)).toMatchObject({
      offset: 5,
      minutes: [minute(600), minute(601)],
    });
    pending.settle();
    expect(pending.committable()).toBe(6);
  });

  it('rolls a closed hour and its closed day when nothing more came for a while', () => {
    pending.add(1, stored(DAY, [30], 5), 1000);
    const closed = closedUpTo(NEXT_DAY, 3);
    expect(pending.plan(closed, 2999, LATE)).toBeUndefined();
    expect(pending.plan(closed, 3000, LATE)).toEqual({
      ...nothing,
      offset: 1,
      hours: [hour(0)],
      days: [DAY],
      oldestRecordAtMs: 5,
    });
    pending.settle();
    expect(pending.committable()).toBe(2);
  });

  it('rolls every waiting hour of a day with the day, as its head speaks for all up to its offset', () => {
    pending.add(1, stored(DAY, [30, 90], 5), 1000);
    pending.add(2, stored(DAY, [59], 9), 2000);
    pending.add(3, stored(NEXT_DAY, [10], 9), 2900);
    // The second hour has been quiet since 1000, the first since 2000; the next day's is an open day's and waits.
    expect(pending.plan(closedUpTo(NEXT_DAY, 3), 3000, LATE)).toEqual({
      ...nothing,
      offset: 3,
      hours: [hour(0), hour(1)],
      days: [DAY],
      oldestRecordAtMs: 5,
    });
    pending.settle();
    expect(pending.committable()).toBe(3);
  });

  it('rolls no day that is not closed', () => {
    pending.add(1, stored(DAY, [30]), 0);
    expect(pending.plan(closedUpTo(DAY, 5), 5000, LATE)).toMatchObject({ hours: [hour(0)], days: [] });
  });

  it('waits for a closed hour that never falls quiet no longer than the longest wait', () => {
    const planned: number[] = [];
    for (let ms = 0; ms <= 60_000; ms += 100) {
      pending.add(ms / 100, stored(DAY, [ms % 60]), ms);
      const plan = pending.plan(closedUpTo(DAY, 5), ms, LATE);
      if (plan === undefined) continue;
      expect(plan.hours).toEqual([hour(0)]);
      planned.push(ms);
      pending.settle();
      expect(pending.committable()).toBe(ms / 100 + 1);
    }
    // Each begins with the announcement after the last plan.
    expect(planned).toEqual([20_000, 40_100]);
  });

  it('turns minutes that were open when they were announced into their hour once that is closed', () => {
    pending.add(1, stored(DAY, [600]), 0);
    expect(pending.plan(closedUpTo(DAY, 11), 0, LATE)).toBeUndefined();
    expect(pending.committable()).toBe(1);
    expect(pending.plan(closedUpTo(DAY, 11), 2000, LATE)).toMatchObject({ minutes: [], hours: [hour(10)] });
  });

  it('closes the next hour with a roll of the whole, and rolls none of its minutes', () => {
    pending.add(1, stored(DAY, [599, 600, 659, 660]), 0);
    pending.add(2, hourOver(DAY, 10), 0);
    expect(pending.plan(closedUpTo(DAY, 10), 0, LATE)).toEqual({
      ...nothing,
      offset: 2,
      minutes: [minute(660)],
      hours: [hour(10)],
      closeHours: [hour(10)],
    });
    pending.settle();
    // The late minute of the hour before still waits.
    expect(pending.committable()).toBe(1);
  });

  it('closes hours in order and none twice, however they were announced', () => {
    for (const [offset, over] of [12, 10, 11, 10].entries()) pending.add(offset, hourOver(DAY, over), 0);
    expect(pending.plan(closedUpTo(DAY, 10), 0, LATE)?.closeHours).toEqual([hour(10), hour(11), hour(12)]);
    pending.settle();
    expect(pending.committable()).toBe(4);
    pending.add(4, hourOver(DAY, 11), 0);
    expect(pending.plan(closedUpTo(DAY, 13), 0, LATE)).toMatchObject({ offset: 4, closeHours: [], minutes: [] });
    pending.settle();
    expect(pending.committable()).toBe(5);
  });

  it('lets an hour wait for one that another owner is to close', () => {
    pending.add(7, hourOver(NEXT_DAY, 0), 0);
    expect(pending.plan(closedUpTo(DAY, 23), 0, LATE)).toBeUndefined();
    expect(pending.committable()).toBe(7);
    expect(pending.plan({ hour: hour(24), day: DAY }, 0, LATE)?.closeHours).toEqual([hour(0, NEXT_DAY)]);
    pending.settle();
    expect(pending.committable()).toBe(8);
  });

  it('closes a day after its last hour, with a roll of its own', () => {
    pending.add(1, hourOver(DAY, 23), 0);
    expect(pending.plan(closedUpTo(DAY, 23), 0, LATE)).toEqual({
      ...nothing,
      offset: 1,
      hours: [hour(23)],
      closeHours: [hour(23)],
      days: [DAY],
      closeDays: [DAY],
    });
  });

  it('closes the day when the last hour is announced again after a crash between the two', () => {
    pending.add(1, hourOver(DAY, 23), 0);
    expect(pending.plan({ hour: hour(24), day: DAY }, 0, LATE)).toEqual({
      ...nothing,
      offset: 1,
      hours: [hour(23)],
      days: [DAY],
      closeDays: [DAY],
    });
    pending.settle();
    expect(pending.committable()).toBe(2);
  });

  it('rolls an hour and a day once more that somebody else has closed, who may have known less', () => {
    pending.add(1, hourOver(NEXT_DAY, 0), 0);
    pending.add(2, stored(NEXT_DAY, [5]), 0);
    // As far as we are told, the hour before is still open; so the minute is rolled as one, and the hour waits.
    expect(pending.plan(closedUpTo(DAY, 23), 0, LATE)).toMatchObject({ minutes: [minute(5, NEXT_DAY)], hours: [] });
    pending.settle();
    expect(pending.committable()).toBe(1);
    expect(pending.plan(closedUpTo(NEXT_DAY, 1), 0, LATE)).toEqual({
      ...nothing,
      offset: 2,
      hours: [hour(0, NEXT_DAY)],
    });
    pending.settle();
    expect(pending.committable()).toBe(3);

    pending.add(3, hourOver(NEXT_DAY, 23), 0);
    expect(pending.plan({ hour: hour(48), day: (DAY + 2) as Day }, 0, LATE)).toEqual({
      ...nothing,
      offset: 3,
      hours: [hour(23, NEXT_DAY)],
      days: [NEXT_DAY],
    });
  });

  it('holds a day back until the day before, which another owner closes, is closed', () => {
    pending.add(1, hourOver(NEXT_DAY, 23), 0);
    expect(pending.plan({ hour: hour(23, NEXT_DAY), day: DAY }, 0, LATE)).toMatchObject({
      closeHours: [hour(23, NEXT_DAY)],
      days: [],
      closeDays: [],
    });
    pending.settle();
    expect(pending.committable()).toBe(1);
    const behind: ClosedBefore = { hour: hour(24, NEXT_DAY), day: DAY };
    expect(pending.plan(behind, 0, LATE)).toBeUndefined();
    expect(pending.plan({ ...behind, day: NEXT_DAY }, 0, LATE)).toMatchObject({
      closeHours: [],
      days: [NEXT_DAY],
      closeDays: [NEXT_DAY],
    });
    pending.settle();
    expect(pending.committable()).toBe(2);
  });
});

describe('announcements of outcomes', () => {
  const outcomes = (day: Day): UsageStored => ({ ...stored(day, [], 50), outcomes: true });
  const open = closedUpTo(DAY, 10);

  it('wait for each other, and have the whole day rolled, be it open or closed', () => {
    const pending = new PendingRolls();
    pending.add(4, outcomes(DAY), 0);
    pending.add(5, outcomes((DAY - 1) as Day), 500);
    pending.add(6, outcomes(DAY), 1000);
    expect(pending.isEmpty).toBe(false);
    expect(pending.plan(open, 2400, LATE)).toBeUndefined();
    expect(pending.plan(open, 2500, LATE)).toEqual({
      ...nothing,
      offset: 6,
      outcomeDays: [(DAY - 1) as Day],
      oldestRecordAtMs: 50,
    });
    pending.settle();
    expect(pending.committable()).toBe(4);
    expect(pending.oldestMs()).toBe(0);
    expect(pending.plan(open, 3000, LATE)).toMatchObject({ outcomeDays: [DAY], minutes: [], days: [] });
    expect(pending.committable()).toBe(4);
    pending.settle();
    expect(pending.committable()).toBe(7);
    expect(pending.isEmpty).toBe(true);
  });

  it('are rolled after a while even if they never stop', () => {
    const pending = new PendingRolls();
    for (let at = 0; at <= 20_000; at += 1000) {
      pending.add(at, outcomes(DAY), at);
      expect(pending.plan(open, at, LATE)?.outcomeDays).toEqual(at < 20_000 ? undefined : [DAY]);
    }
  });

  it('change nothing about the minutes that come with them', () => {
    const pending = new PendingRolls();
    pending.add(4, { ...outcomes(DAY), minutes: [600] }, 0);
    expect(pending.plan(open, 0, LATE)).toMatchObject({ minutes: [minute(600)], outcomeDays: [] });
    pending.settle();
    expect(pending.committable()).toBe(4);
  });
});

it('a plan has room for more minutes than a call has for arguments', () => {
  const pending = new PendingRolls();
  const days = 120;
  for (let day = 0; day < days; day += 1)
    pending.add(
      day,
      stored(
        (DAY + day) as Day,
        Array.from({ length: 1440 }, (_, index) => index),
      ),
      0,
    );
  const plan = pending.plan({ hour: hour(0), day: DAY }, 10 ** 9, LATE);
  expect(plan?.minutes).toHaveLength(days * 1440);
});

describe('touchedHoursByDay', () => {
  it('names the hours of everything that a plan recomputes, by day', () => {
    const plan = {
      ...nothing,
      minutes: [minute(0), minute(59), minute(60)],
      hours: [hour(0), hour(23), hour(5, NEXT_DAY)],
    };
    expect([...touchedHoursByDay(plan)]).toEqual([
      [DAY, [0, 1, 23]],
      [NEXT_DAY, [5]],
    ]);
  });

  it('names a day without hours where only its outcomes were recomputed', () => {
    const plan = { ...nothing, minutes: [minute(60)], outcomeDays: [DAY, NEXT_DAY] };
    expect([...touchedHoursByDay(plan)]).toEqual([
      [DAY, [1]],
      [NEXT_DAY, []],
    ]);
  });
});

describe('byDayOf', () => {
  it('splits buckets at midnights and keeps their order', () => {
    const dayOf = (one: Hour): Day => Math.floor(one / 24) as Day;
    expect(byDayOf([hour(22), hour(23), hour(24)], dayOf)).toEqual([[hour(22), hour(23)], [hour(24)]]);
    expect(byDayOf([] as Hour[], dayOf)).toEqual([]);
  });
});
