import type { UsageEvent } from '@laurel/events';
import { dayOf } from '@laurel/usage';
import {
  rollDay,
  rollHours,
  rollIdOf,
  rollMinutes,
  runAll,
  writeClosure,
  writeHeads,
  type BucketStart,
} from './projections.js';
import type { TestDatabase } from './test-database.fixture.js';
import { UsageRows } from './usage-rows.fixture.js';

const HOUR = 3600;
const DAY = 86_400;

export interface Step {
  readonly events: readonly UsageEvent[];
  /** How many hours are closed after these events came, of those that can be. */
  readonly closeHours: number;
  /** Whether days whose hours are all closed are closed too. */
  readonly closeDays: boolean;
}
/**
 * For tests: what the projector does, without Kafka: after each lot of events it rolls what they touched, late or open, then closes
 * hours in order and days after their hours. The figures must not depend on where the boundaries lie.
 */
export class Roller {
  private closedHour: BucketStart;
  private closedDay: BucketStart;
  private offset = 0;

  constructor(
    private readonly database: TestDatabase,
    first: BucketStart,
    /** No hour from here on is closed. */
    private readonly end: BucketStart,
  ) {
    this.closedHour = first;
    this.closedDay = Math.floor(first / DAY) * DAY;
  }

  async begin(): Promise<void> {
    await writeClosure(this.database.client, 'day', this.closedDay);
    await writeClosure(this.database.client, 'hour', this.closedHour);
  }

  async take({ events, closeHours, closeDays }: Step): Promise<void> {
    await this.store(events);
    const seconds = events.map((event) => event.occurred_at / 1000);
    await this.roll(
      'minute',
      bucketsOf(
        seconds.filter((at) => at >= this.closedHour),
        60,
      ),
    );
    await this.roll(
      'hour',
      bucketsOf(
        seconds.filter((at) => at < this.closedHour),
        HOUR,
      ),
    );
    const lateDays = bucketsOf(
      seconds.filter((at) => at < this.closedDay),
      DAY,
    );
    for (const day of lateDays) await this.roll('day', [day]);
    const until = Math.min(this.closedHour + closeHours * HOUR, this.end);
    const due = bucketsOf(
      Array.from({ length: (until - this.closedHour) / HOUR }, (_, index) => this.closedHour + index * HOUR),
      HOUR,
    );
    await this.roll('hour', due);
    this.closedHour = until;
    await writeClosure(this.database.client, 'hour', until);
    for (; closeDays && this.closedDay + DAY <= until; this.closedDay += DAY) {
      await this.roll('day', [this.closedDay]);
      await writeClosure(this.database.client, 'day', this.closedDay + DAY);
    }
  }

  private async store(events: readonly UsageEvent[]): Promise<void> {
    for (const day of new Set(events.map((event) => dayOf(event.occurred_at)))) {
      const rows = new UsageRows();
      for (const event of events.filter((one) => dayOf(one.occurred_at) === day)) {
        rows.push(event, { topic: 't', partition: 0, offset: this.offset, timestampMs: event.occurred_at });
      }
      await rows.insert(this.database.client);
    }
  }

  private async roll(grain: 'minute' | 'hour' | 'day', buckets: readonly BucketStart[]): Promise<void> {
    const { client } = this.database;
    for (const day of new Set(buckets.map((bucket) => Math.floor(bucket / DAY)))) {
      const own = buckets.filter((bucket) => Math.floor(bucket / DAY) === day);
      this.offset += 1;
      const id = rollIdOf(this.offset, Date.now(), 0);
      await runAll(
        client,
        grain === 'day' ? rollDay(day * DAY, id) : grain === 'hour' ? rollHours(own, id) : rollMinutes(own, id),
      );
      await writeHeads(client, grain, own, id);
    }
  }
}

const bucketsOf = (seconds: readonly number[], width: number): readonly BucketStart[] =>
  [...new Set(seconds.map((at) => Math.floor(at / width) * width))].sort((a, b) => a - b);
