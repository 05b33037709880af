import fc from 'fast-check';
import type { UsageStored } from '@laurel/events';
import {
  dayOfHour,
  dayOfMinute,
  hourInDay,
  hourOfDay,
  hourOfMinute,
  minuteInDay,
  type Day,
  type Hour,
  type Minute,
} from '@laurel/usage';
import { PendingRolls, type RollPlan } from './pending-rolls.js';

const FIRST_DAY = 20_000 as Day;
/** Hours before this one of the first day are closed from the start, so that both midnights are soon met. */
const START = 22;
const LATE = { quietMs: 300, maxWaitMs: 1000 };

type Command =
  | { readonly kind: 'touch'; readonly day: Day; readonly minutes: readonly number[]; readonly outcomes: boolean }
  | { readonly kind: 'over'; readonly repeat: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'plan' }
  | { readonly kind: 'settle' }
  | { readonly kind: 'crash' };

const aDay = fc.constantFrom(FIRST_DAY, (FIRST_DAY + 1) as Day);
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant('touch' as const),
    day: aDay,
    minutes: fc.uniqueArray(fc.constantFrom(0, 1, 59, 60, 600, 1379, 1380, 1439), { maxLength: 4 }),
    outcomes: fc.boolean(),
  }),
  // The next hour that was not announced yet, or one of the last again.
  fc.record({ kind: fc.constant('over' as const), repeat: fc.nat(2) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(10, 299, 300, 1000) }),
  fc.constant({ kind: 'plan' as const }),
  fc.constant({ kind: 'plan' as const }),
  fc.constant({ kind: 'settle' as const }),
  fc.constant({ kind: 'crash' as const }),
);

const recorded: UsageStored = {
  day: FIRST_DAY,
  minutes: [],
  close_hour: null,
  cause: 'recorded',
  announced_at: 0,
  oldest_record_at: null,
  outcomes: false,
};

/**
 * The projector around PendingRolls, with tables of its own instead of ClickHouse: an announcement's bucket counts as
 * covered when a roll that was planned after it came was settled, of the grain that readers take then.
 */
class Model {
  private readonly log: UsageStored[] = [];
  private committed = 0;
  private pending = new PendingRolls();
  private inHand: RollPlan | undefined;
  private nowMs = 0;
  private announcedHours = START;
  private closedHour = hourInDay(FIRST_DAY, START);
  private closedDay = FIRST_DAY;
  private readonly minuteHeads = new Map<Minute, number>();
  private readonly hourHeads = new Map<Hour, number>();
  private readonly dayHeads = new Map<Day, number>();
  private readonly outcomeHeads = new Map<Day, number>();

  run(one: Command): void {
    switch (one.kind) {
      case 'touch':
        this.announce({ ...recorded, day: one.day, minutes: one.minutes, outcomes: one.outcomes });
        break;
      case 'over':
        this.announceHourEnd(one.repeat);
        break;
      case 'wait':
        this.nowMs += one.ms;
        break;
      case 'plan':
        this.plan();
        break;
      case 'settle':
        this.settle();
        break;
      case 'crash':
        this.crash();
        break;
      default:
        one satisfies never;
    }
  }

  private announceHourEnd(repeat: number): void {
    const next = Math.max(START, this.announcedHours - repeat);
    if (next >= 48) return;
    this.announcedHours = Math.max(this.announcedHours, next + 1);
    const hour = (hourInDay(FIRST_DAY, 0) + next) as Hour;
    this.announce({ ...recorded, day: dayOfHour(hour), close_hour: hourOfDay(hour), cause: 'hour_over' });
  }

  /** Everything that was announced is covered, once it was waited for. */
  finish(): void {
    for (let round = 0; round < 4; round += 1) {
      this.nowMs += LATE.maxWaitMs;
      this.plan();
      this.settle();
    }
    expect(this.committed).toBe(this.log.length);
    this.checkCovered(this.log.length);
    // Every hour that was announced in order is closed, and each day of which the last was.
    expect(this.closedHour).toBe(hourInDay(FIRST_DAY, 0) + this.announcedHours);
    expect(this.closedDay).toBe(FIRST_DAY + Math.floor(this.announcedHours / 24));
  }

  private announce(announcement: UsageStored): void {
    this.pending.add(this.log.length, announcement, this.nowMs);
    this.log.push(announcement);
  }

  private plan(): void {
    if (this.inHand !== undefined) return;
    const plan = this.pending.plan({ hour: this.closedHour, day: this.closedDay }, this.nowMs, LATE);
    if (plan === undefined) return;
    this.inHand = plan;
    expect(plan.offset).toBe(this.log.length - 1);
    const lists: readonly (readonly number[])[] = [
      plan.minutes,
      plan.hours,
      plan.closeHours,
      plan.days,
      plan.closeDays,
      plan.outcomeDays,
    ];
    for (const list of lists) {
      expect(list).toEqual([...new Set(list)].sort((a, b) => a - b));
    }
    plan.closeHours.forEach((hour, index) => expect(hour).toBe(this.closedHour + index));
    plan.closeDays.forEach((one, index) => expect(one).toBe(this.closedDay + index));
    for (const hour of plan.closeHours) expect(plan.hours).toContain(hour);
    for (const one of plan.closeDays) expect(plan.days).toContain(one);
    // Nobody would read these.
    for (const minute of plan.minutes)
      expect(hourOfMinute(minute)).toBeGreaterThanOrEqual(this.closedHour + plan.closeHours.length);
    this.checkCommit();
  }

  private settle(): void {
    const plan = this.inHand;
    if (plan !== undefined) {
      this.write(plan);
      this.pending.settle();
      this.inHand = undefined;
    }
    this.checkCommit();
    this.committed = Math.max(this.committed, this.pending.committable() ?? 0);
  }

  private write(plan: RollPlan): void {
    for (const minute of plan.minutes) this.minuteHeads.set(minute, plan.offset);
    for (const hour of plan.hours) this.hourHeads.set(hour, plan.offset);
    this.closedHour = (this.closedHour + plan.closeHours.length) as Hour;
    for (const one of plan.days) {
      if (plan.closeDays.includes(one)) expect(this.closedHour).toBeGreaterThanOrEqual(hourInDay(one, 24));
      this.dayHeads.set(one, plan.offset);
    }
    this.closedDay = (this.closedDay + plan.closeDays.length) as Day;
    for (const one of plan.outcomeDays) this.outcomeHeads.set(one, plan.offset);
  }

  /** Dies after a part of the plan, and begins again from what was committed. */
  private crash(): void {
    if (this.inHand !== undefined) this.write({ ...this.inHand, days: [], closeDays: [], outcomeDays: [] });
    this.inHand = undefined;
    this.pending = new PendingRolls();
    this.log.slice(this.committed).forEach((one, index) => this.pending.add(this.committed + index, one, this.nowMs));
  }

  private checkCommit(): void {
    const committable = this.pending.committable();
    if (committable === undefined) return;
    expect(committable).toBeGreaterThanOrEqual(this.committed);
    this.checkCovered(committable);
  }

  /** Each bucket that these announcements touched has a head, where readers look for it, that knew of them. */
  private checkCovered(count: number): void {
    this.log.slice(0, count).forEach(({ day, minutes, close_hour, outcomes }, offset) => {
      const of = day as Day;
      if (outcomes) expect({ of, covered: (this.outcomeHeads.get(of) ?? -1) >= offset }).toEqual({ of, covered: true });
      for (const one of minutes) {
        const minute = minuteInDay(of, one);
        const hour = hourOfMinute(minute);
        const [what, head] =
          hour < this.closedHour ? ['hour', this.hourHeads.get(hour)] : ['minute', this.minuteHeads.get(minute)];
        expect({ what, minute, covered: (head ?? -1) >= offset }).toEqual({ what, minute, covered: true });
        if (of < this.closedDay)
          expect({ of, covered: (this.dayHeads.get(dayOfMinute(minute)) ?? -1) >= offset }).toEqual({
            of,
            covered: true,
          });
      }
      if (close_hour !== null) expect(hourInDay(of, close_hour)).toBeLessThan(this.closedHour);
    });
  }
}

describe('PendingRolls, whatever comes when and wherever it dies', () => {
  it('commits only what readers can see, and ends with everything covered and closed', () => {
    fc.assert(
      fc.property(fc.array(command, { minLength: 1, maxLength: 120, size: 'max' }), (commands) => {
        const model = new Model();
        for (const one of commands) model.run(one);
        model.finish();
      }),
      { numRuns: 300 },
    );
  });
});
