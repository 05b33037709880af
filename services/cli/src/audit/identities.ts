import { Erasures, inBatchesWithDeadLetters, placesWithRows, storedVersions, type Place } from '@laurel/clickhouse';
import { identityOf, topics } from '@laurel/events';
import { readToEnd } from '@laurel/kafka';
import type { StreamRecord } from '@laurel/stream';
import { newFinding, type CheckOptions, type CheckResult, type Finding } from './finding.js';
import { plural } from '../terminal.js';
import type { AuditedLog, LoggedEvent } from './log.js';
import { reread } from './reread.js';
import { committedText, offsetsOf } from './settle.js';
import { CouldNotCheck, type AuditWorld } from './world.js';

/** Records are drawn in runs of this many, as a fetch costs the same for one. */
const RUN = 20;
const AT_ONCE = 200;
/** As declared; a company may keep them for another time. */
const deadLetterConfig: Readonly<Record<string, string>> = topics.deadLetters.config;
const DEAD_LETTERS_KEPT_MS = Number(deadLetterConfig['retention.ms']);
const CONFLUENT_MAGIC = 0x00;

interface Drawn extends Place {
  readonly record: StreamRecord;
}

/** What a drawn record comes to in the tables. */
const verdicts = [
  'stored',
  'refused',
  'erased',
  'dead',
  'unknown',
  'missing',
  'outdated',
  'stored_though_invalid',
] as const;
type Verdict = (typeof verdicts)[number];

type Counts = Readonly<Record<Verdict, number>>;

/**
 * Records drawn from each log must be in its table, in their own version or a later one; invalid ones must not.
 */
export async function checkIdentities(world: AuditWorld, { heal, sample }: CheckOptions): Promise<CheckResult> {
  const looks: Look[] = [];
  for (const log of world.logs) looks.push(await look(world, log, sample));
  const wrong = looks.flatMap((one) => one.wrong);
  let incomplete: string | undefined;
  try {
    if (heal) await healAll(world, wrong);
  } catch (error) {
    if (!(error instanceof CouldNotCheck)) throw error;
    incomplete = error.message;
  }
  const sum = (of: (look: Look) => number): number => looks.reduce((all, one) => all + of(one), 0);
  const counts = Object.fromEntries(
    verdicts.map((verdict) => [verdict, sum((one) => one.counts[verdict])]),
  ) as unknown as Counts;
  const notes = [];
  if (counts.unknown > 0) {
    notes.push(
      `${plural(counts.unknown, 'record')} could not be judged: their dead letters may have expired, or their schema is not known here (LAUREL_SCHEMA_REGISTRY_URL)`,
    );
  }
  const records = sum((one) => one.records);
  return {
    compared: `${plural(records, 'record')} of ${plural(
      sum((one) => one.offsets),
      'offset',
    )}`,
    counts: { records, ...counts },
    asOf: looks.map((one) => one.asOf).join('; '),
    findings: wrong.map(({ finding }) => finding),
    notes,
    incomplete,
  };
}

/** What the records drawn of one log come to. */
interface Look {
  readonly records: number;
  readonly offsets: number;
  readonly counts: Counts;
  readonly wrong: readonly Wrong[];
  readonly asOf: string;
}

interface Wrong {
  readonly log: AuditedLog;
  readonly drawn: Drawn;
  readonly finding: Finding;
}

async function look(world: AuditWorld, log: AuditedLog, sample: number): Promise<Look> {
  const offsets = await offsetsOf(world, world.groups.ingest, log.topic);
  const ranges = [...offsets].flatMap(([partition, { low, high, committed = 0 }]) => {
    const end = Math.min(committed, high);
    return end > low ? [{ partition, from: low, end }] : [];
  });
  const counts = Object.fromEntries(verdicts.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
  const wrong: Wrong[] = [];
  let records = 0;
  for await (const drawn of recordsOf(log, drawRuns(ranges, sample, Math.random), sample)) {
    for (const [one, verdict, event] of await judge(world, log, drawn)) {
      counts[verdict] += 1;
      const finding = toFinding(log, one, verdict, event, offsets.get(one.partition)?.committed);
      if (finding !== undefined) wrong.push({ log, drawn: one, finding });
    }
    records += drawn.length;
    world.progress.show(`identities: ${records} of ${sample} records of ${log.topic}`);
  }
  return {
    records,
    offsets: ranges.reduce((sum, { from, end }) => sum + end - from, 0),
    counts,
    wrong,
    asOf: committedText(log.topic, offsets),
  };
}

interface Range {
  readonly partition: number;
  readonly from: number;
  /** Exclusive. */
  readonly end: number;
}

/** Parts of the ranges, each offset equally likely; everything when that is no more than the sample. Ascending. */
export function drawRuns(ranges: readonly Range[], sample: number, random: () => number): readonly Range[] {
  const total = ranges.reduce((sum, { from, end }) => sum + end - from, 0);
  if (total <= sample) return ranges;
  const starts = new Map<string, Range>();
  for (let run = 0; run < Math.ceil(sample / RUN); run += 1) {
    let at = Math.floor(random() * total);
    for (const { partition, from, end } of ranges) {
      if (at >= end - from) {
        at -= end - from;
        continue;
      }
      // Aligned, so that two runs are the same or have nothing in common.
      const start = from + at - (at % RUN);
      starts.set(`${partition}/${start}`, { partition, from: start, end: Math.min(start + RUN, end) });
      break;
    }
  }
  return [...starts.values()].sort((a, b) => a.partition - b.partition || a.from - b.from);
}

async function* recordsOf(log: AuditedLog, runs: readonly Range[], sample: number): AsyncGenerator<readonly Drawn[]> {
  if (runs.length === 0) return;
  const reader = await log.reader();
  const gathered: Drawn[] = [];
  let left = sample;
  for (const { partition, from, end } of runs) {
    for await (const records of reader.read(partition, from, end)) {
      for (const record of records.slice(0, left)) gathered.push({ partition, offset: record.offset, record });
      left -= records.length;
      while (gathered.length >= AT_ONCE) yield gathered.splice(0, AT_ONCE);
      if (left <= 0) break;
    }
  }
  if (gathered.length > 0) yield gathered;
}

async function judge(
  world: AuditWorld,
  log: AuditedLog,
  drawn: readonly Drawn[],
): Promise<readonly (readonly [Drawn, Verdict, LoggedEvent | undefined])[]> {
  const { clickhouse } = world;
  const { topic, table } = log;
  const decoded = await world.patiently('decoding', (signal) =>
    Promise.all(drawn.map(async (one) => ({ one, checked: await log.decode(one.record, signal) }))),
  );
  const valid = decoded.flatMap(({ one, checked }) => (checked.ok ? [{ one, event: checked.value }] : []));
  const invalid = decoded.flatMap(({ one, checked }) => (checked.ok ? [] : [one]));
  const stored = await world.attempt(`reading ${table}`, () =>
    storedVersions(
      clickhouse,
      table,
      valid.map(({ event }) => event.identity),
    ),
  );
  const wronglyStored = await world.attempt(`reading ${table}`, () =>
    placesWithRows(clickhouse, table, topic, invalid),
  );
  const absent = valid.filter(({ event }) => (stored.get(identityOf(event.identity)) ?? -1n) < event.version);
  // After the rows were looked for, as whoever is deleted was on the list before.
  const erasures = new Erasures(clickhouse);
  if (absent.length > 0) await world.attempt('reading the erasures', () => erasures.refresh());
  const dead = await deadLetters(
    world,
    topic,
    absent.map(({ one }) => one),
  );

  const judged: (readonly [Drawn, Verdict, LoggedEvent | undefined])[] = [];
  for (const { one, event } of valid) {
    const version = stored.get(identityOf(event.identity));
    if (version !== undefined && version >= event.version) judged.push([one, 'stored', event]);
    else if (erasures.has(event.identity.user_id)) judged.push([one, 'erased', event]);
    else {
      const letter = dead.get(placeKey(one));
      judged.push([one, letter ?? (version === undefined ? 'missing' : 'outdated'), event]);
    }
  }
  const stands = new Set(wronglyStored.map(placeKey));
  for (const one of invalid) {
    if (!stands.has(placeKey(one))) judged.push([one, 'refused', undefined]);
    else {
      // usage-ingest may know a registry that this process was not told of.
      const isUnknown = !world.hasRegistry && one.record.value?.[0] === CONFLUENT_MAGIC;
      judged.push([one, isUnknown ? 'unknown' : 'stored_though_invalid', undefined]);
    }
  }
  return judged;
}

const placeKey = ({ partition, offset }: Place): string => `${partition}/${offset}`;

/**
 * Of valid records that are not stored: those that became dead letters all the same, as ClickHouse refused them or as
 * they were not valid then. Where the letter may have expired, nobody can tell.
 */
async function deadLetters(
  world: AuditWorld,
  topic: string,
  absent: readonly Drawn[],
): Promise<ReadonlyMap<string, 'dead' | 'unknown'>> {
  const suspected = await world.attempt('reading the ledger', () =>
    inBatchesWithDeadLetters(world.clickhouse, topic, absent),
  );
  const outcomes = new Map<string, 'dead' | 'unknown'>();
  if (suspected.length === 0) return outcomes;
  const wanted = new Map(suspected.map((place) => [`${topic}/${placeKey(place)}`, placeKey(place)]));
  await world.attempt('reading the dead letters', () =>
    readToEnd(world.kafka, {
      topic: world.topic('deadLetters'),
      groupPrefix: `${world.options.topicPrefix}laurel-audit-`,
      onRecord: ({ key }) => {
        const place = wanted.get(Buffer.from(key ?? []).toString());
        if (place !== undefined) outcomes.set(place, 'dead');
      },
    }),
  );
  const expiredBefore = Date.now() - DEAD_LETTERS_KEPT_MS;
  for (const { record, ...place } of absent) {
    const key = placeKey(place);
    const isSuspected = suspected.some((one) => placeKey(one) === key);
    if (isSuspected && !outcomes.has(key) && record.timestampMs < expiredBefore) outcomes.set(key, 'unknown');
  }
  return outcomes;
}

function toFinding(
  { topic, table }: AuditedLog,
  one: Drawn,
  verdict: Verdict,
  event: LoggedEvent | undefined,
  committed: number | undefined,
): Finding | undefined {
  const at = `${topic}/${one.partition} offset ${one.offset}`;
  const asOf = `committed offset ${committed ?? 'none'}; recorded at ${new Date(one.record.timestampMs).toISOString()}`;
  const of = event === undefined ? '' : ` (${event.identity.source} ${event.identity.event_id})`;
  switch (verdict) {
    case 'missing':
      return newFinding({
        check: 'identities',
        code: 'row_missing',
        at,
        message: `valid, and not in ${table}${of}`,
        asOf,
        healable: true,
      });
    case 'outdated':
      return newFinding({
        check: 'identities',
        code: 'row_outdated',
        at,
        message: `${table} has an older version only${of}`,
        asOf,
        healable: true,
      });
    case 'stored_though_invalid':
      return newFinding({
        check: 'identities',
        code: 'row_of_invalid_record',
        at,
        message: `not valid, and in ${table} all the same; somebody else wrote it, or validity was changed`,
        asOf,
        healable: false,
      });
    case 'stored':
    case 'refused':
    case 'erased':
    case 'dead':
    case 'unknown':
      return undefined;
    default:
      return verdict satisfies never;
  }
}

async function healAll(world: AuditWorld, wrong: readonly Wrong[]): Promise<void> {
  for (const { log, drawn, finding } of wrong) {
    if (!finding.healable) continue;
    await reread(world, log, drawn.partition, drawn.offset, drawn.offset + 1);
    const [again] = await judge(world, log, [drawn]);
    finding.healed = again !== undefined && again[1] !== 'missing' && again[1] !== 'outdated';
  }
}
