import {
  dayFigures,
  daysToAudit,
  lastRecordsIn,
  readClosures,
  SECONDS_PER,
  type Closures,
  type FiguresOf,
  type TouchedDay,
  suspectKey,
  suspectsOf,
  type Suspect,
} from '@laurel/clickhouse';
import { dayKey, type Day } from '@laurel/usage';
import { announce, projected } from './announce.js';
import { committedUpTo } from './settle.js';
import { CouldNotCheck, type AuditWorld } from './world.js';

/** How often a bucket that is being rolled again and again is looked at. */
const ROUNDS = 3;

export const SECONDS_OF: Readonly<Record<FiguresOf, number>> = {
  minute: SECONDS_PER.minute,
  hour: SECONDS_PER.hour,
  day_user: SECONDS_PER.day,
  day_model: SECONDS_PER.day,
  day_attendance: SECONDS_PER.day,
  outcomes: SECONDS_PER.day,
};

/** What the comparison of every day came to. */
export interface DaysVerdict {
  readonly days: number;
  readonly buckets: number;
  /** Distinct events and outcomes, retracted ones too. */
  readonly identities: number;
  readonly confirmed: readonly Suspect[];
  /** Buckets that were rolled again each time they were looked at; nothing is said of them. */
  readonly unsettled: number;
  /** The boundaries as of the beginning. */
  readonly closed: Closures;
  readonly incomplete: string | undefined;
}

/** Compares day by day, each with one read of its events. */
export async function judgeDays(world: AuditWorld, since: number): Promise<DaysVerdict> {
  const closed = await world.attempt('reading closures', () => readClosures(world.clickhouse));
  const days = await world.attempt('listing days', () => daysToAudit(world.clickhouse, since));
  const confirmed: Suspect[] = [];
  let [buckets, identities, unsettled] = [0, 0, 0];
  let incomplete: string | undefined;
  for (const [at, day] of days.entries()) {
    world.progress.show(`figures: ${dayText(day)}, ${at} of ${days.length} days`);
    try {
      const verdict = await judgeDay(world, day);
      buckets += verdict.buckets;
      identities += verdict.identities;
      unsettled += verdict.unsettled;
      confirmed.push(...verdict.confirmed);
    } catch (error) {
      if (!(error instanceof CouldNotCheck)) throw error;
      // Whatever keeps one day waiting keeps the next ones waiting as well.
      incomplete = `${dayText(day)} and later: ${error.message}`;
      break;
    }
  }
  return { days: days.length, buckets, identities, confirmed, unsettled, closed, incomplete };
}

interface DayVerdict {
  readonly buckets: number;
  readonly identities: number;
  readonly confirmed: readonly Suspect[];
  readonly unsettled: number;
}

/**
 * A difference counts only when nothing was under way that would have mended it. So, after a first look,
 *
 * 1. ingest must have committed past every record that the bucket showed: then those rows were announced;
 * 2. the projector must have committed past every announcement that there is then: then they were rolled;
 * 3. and the bucket must still differ, under the very head that it had before the first look.
 */
async function judgeDay(world: AuditWorld, day: number): Promise<DayVerdict> {
  const look = async (): Promise<{ suspects: readonly Suspect[]; buckets: number; identities: number }> =>
    world.attempt('comparing figures', async () => {
      const closed = await readClosures(world.clickhouse);
      const figures = await dayFigures(world.clickhouse, day, closed);
      const { size } = new Set([...figures.log.keys(), ...figures.rolls.keys()]);
      return { suspects: suspectsOf(figures, day, closed), buckets: size, identities: figures.identities };
    });
  const first = await look();
  const confirmed: Suspect[] = [];
  let { suspects } = first;
  for (let round = 0; suspects.length > 0 && round < ROUNDS; round += 1) {
    await settled(world, day, suspects);
    const before = new Map(suspects.map((one) => [suspectKey(one), one]));
    const still = (await look()).suspects.filter((one) => before.has(suspectKey(one)));
    confirmed.push(...still.filter((one) => before.get(suspectKey(one))?.head === one.head));
    suspects = still.filter((one) => before.get(suspectKey(one))?.head !== one.head);
  }
  return { buckets: first.buckets, identities: first.identities, confirmed, unsettled: suspects.length };
}

async function settled(world: AuditWorld, day: number, suspects: readonly Suspect[]): Promise<void> {
  for (const { declared, topic, table } of world.logs) {
    const own = suspects.filter(({ of }) => (of === 'outcomes') === (declared === 'usageOutcomes'));
    const buckets = own.map(({ of, bucket }) => ({ start: bucket, seconds: SECONDS_OF[of] }));
    const last = await world.attempt(`reading ${table}`, () => lastRecordsIn(world.clickhouse, table, topic, buckets));
    const wanted = new Map([...last].map(([partition, offset]) => [partition, offset + 1]));
    await committedUpTo(world, world.groups.ingest, topic, wanted);
  }
  await projected(world, [day / SECONDS_PER.day]);
}

/**
 * Has the buckets rolled again, and looks whether they are right then.
 *
 * @returns those that are.
 */
export async function healBuckets(world: AuditWorld, suspects: readonly Suspect[]): Promise<ReadonlySet<string>> {
  const byDay = new Map<number, Suspect[]>();
  for (const one of suspects) {
    const day = Math.floor(one.bucket / SECONDS_PER.day);
    byDay.set(day, [...(byDay.get(day) ?? []), one]);
  }
  await announce(
    world,
    [...byDay].map(([day, own]) => touched(day, own)),
    'healed',
  );
  const healed = new Set<string>();
  for (const [day, own] of byDay) {
    world.progress.show(`waiting for ${dayText(day * SECONDS_PER.day)} to be rolled again`);
    await projected(world, [day]);
    const { confirmed } = await judgeDay(world, day * SECONDS_PER.day);
    const left = new Set(confirmed.map(suspectKey));
    for (const one of own) if (!left.has(suspectKey(one))) healed.add(suspectKey(one));
  }
  return healed;
}

/** One minute has the whole of its closed hour rolled, and a late hour its closed day. */
function touched(day: number, suspects: readonly Suspect[]): TouchedDay {
  const usage = suspects.filter(({ of }) => of !== 'outcomes');
  const minutes = usage.map(({ bucket }) => Math.floor((bucket - day * SECONDS_PER.day) / 60));
  return {
    day,
    minutes: [...new Set(minutes)].sort((a, b) => a - b),
    outcomes: usage.length < suspects.length,
  };
}

export const dayText = (seconds: number): string => dayKey((seconds / SECONDS_PER.day) as Day);
