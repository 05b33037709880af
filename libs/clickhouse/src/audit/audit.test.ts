import fc from 'fast-check';
import { identityOf, versionOf } from '@laurel/events';
import { usageEvent } from '@laurel/usage/fixture';
import { recordErasure, userHashOf } from '../erasures.js';
import { readClosures } from '../projections.js';
import { Roller } from '../roller.fixture.js';
import { TestDatabase } from '../test-database.fixture.js';
import { UsageRows } from '../usage-rows.fixture.js';
import { conflictCandidates, conflictsAmong, storedUsage } from './conflicts.js';
import { dayFigures, daysToAudit, figuresKey, lastRecordsIn } from './day-figures.js';
import { daysOfErased } from './erased-days.js';
import { inParameters, placesWithRows, storedVersions } from './identities.js';
import { inBatchesWithDeadLetters, ledgerHoles, ledgerTotals, type OffsetRange } from './ledger.js';

const DAY = Date.UTC(2026, 4, 14) / 1000;
const TEN_MS = Date.UTC(2026, 4, 14, 10);

describe('what the audit asks of ClickHouse', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  beforeEach(() => database.truncate());
  afterAll(() => database.drop());

  const record = (ranges: readonly OffsetRange[], dead = 0): Promise<unknown> =>
    database.client.insert({
      table: 'ingest_ledger',
      format: 'JSONEachRow',
      values: ranges.map(({ from, to }) => ({
        topic: 't',
        partition: 1,
        from_offset: from,
        to_offset: to,
        rows: to - from + 1,
        duplicates: 0,
        dead,
        erased: 0,
      })),
    });
  async function holes(from: number, end: number, chunk?: number): Promise<OffsetRange[]> {
    const found: OffsetRange[] = [];
    for await (const hole of ledgerHoles(database.client, { topic: 't', partition: 1 }, from, end, chunk))
      found.push(hole);
    return found;
  }
  async function store(...events: readonly Parameters<typeof usageEvent>[0][]): Promise<void> {
    const rows = new UsageRows();
    for (const [offset, event] of events.entries())
      rows.push(usageEvent(event), { topic: 't', partition: 1, offset, timestampMs: TEN_MS });
    await rows.insert(database.client);
  }

  it('finds exactly the offsets that no ledger entry covers, whatever the chunks', async () => {
    const ranges = fc.array(
      fc.tuple(fc.nat(60), fc.nat(12)).map(([from, length]) => ({ from, to: from + length })),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(
        ranges,
        fc.nat(20),
        fc.nat(60),
        fc.integer({ min: 1, max: 70 }),
        async (all, from, length, chunk) => {
          await database.truncate(['ingest_ledger']);
          if (all.length > 0) await record(all);
          const offsets = Array.from({ length }, (_, at) => from + at);
          const uncovered = offsets.filter((at) => !all.some((one) => at >= one.from && at <= one.to));
          const found = await holes(from, from + length, chunk);
          expect(found.flatMap((hole) => offsets.filter((at) => at >= hole.from && at <= hole.to))).toEqual(uncovered);
          // Each hole is whole, and within the bounds.
          expect(found.reduce((sum, hole) => sum + hole.to - hole.from + 1, 0)).toBe(uncovered.length);
          found.slice(1).forEach((hole, at) => expect(hole.from).toBeGreaterThan((found[at]?.to ?? Infinity) + 1));
        },
      ),
      { numRuns: 25 },
    );
  });

  it('sums the ledger, and knows which records are in a batch with dead letters', async () => {
    await record([
      { from: 5, to: 9 },
      { from: 20, to: 29 },
    ]);
    await record([{ from: 10, to: 12 }], 2);
    expect(await ledgerTotals(database.client, 't')).toEqual([
      { partition: 1, first: 5, rows: 18, dead: 2, erased: 0 },
    ]);
    const places = [9, 10, 12, 13].map((offset) => ({ partition: 1, offset }));
    const found = await inBatchesWithDeadLetters(database.client, 't', [...places, { partition: 2, offset: 11 }]);
    expect(found.map(({ offset }) => offset).sort()).toEqual([10, 12]);
  });

  it('looks up the greatest version of any identity', async () => {
    const odd = { event_id: `it's "\\n\t,[x]\\`, user_id: 'ü-1', source: "s')" };
    const many = Array.from({ length: 300 }, (_, at) => ({ event_id: `${'long'.repeat(40)}-${at}` }));
    await store(odd, { ...odd, revision: 3, tokens: { input: 1 } }, ...many);
    const events = [odd, ...many, { event_id: 'absent' }].map(usageEvent);
    expect([...inParameters(events)].length).toBeGreaterThan(5);
    const stored = await storedVersions(database.client, 'usage_events', events);
    expect(stored.size).toBe(301);
    expect(stored.get(identityOf(usageEvent(odd)))).toBe(
      versionOf(usageEvent({ ...odd, revision: 3, tokens: { input: 1 } })),
    );
    expect(stored.get(identityOf(usageEvent(many[7] ?? {})))).toBe(versionOf(usageEvent(many[7])));
    const places = [1, 2, 9999].map((offset) => ({ partition: 1, offset }));
    expect(
      (await placesWithRows(database.client, 'usage_events', 't', places)).map(({ offset }) => offset).sort(),
    ).toEqual([1, 2]);
  });

  it('finds the same figures in the log, the hours and the day, and says where rows came from', async () => {
    const roller = new Roller(database, DAY - 86_400, DAY + 86_400);
    await roller.begin();
    const events = Array.from({ length: 60 }, (_, at) =>
      usageEvent({
        event_id: `e-${at}`,
        user_id: `u-${at % 4}`,
        session_id: `s-${at % 5}`,
        model: `m-${at % 3}`,
        status: at % 7 === 0 ? 'error' : 'ok',
        origin: at % 2 === 0 ? 'main' : 'subagent',
        occurred_at: new Date(TEN_MS - 36 * 3_600_000 + at * 2_000_000).toISOString(),
        tokens: { input: at * 1000, output: at },
      }),
    );
    await roller.take({ events, closeHours: 40, closeDays: true });
    const closed = await readClosures(database.client);
    expect(closed).toEqual({ hour: DAY + 16 * 3600, day: DAY });
    const days = await daysToAudit(database.client, 0);
    expect(days).toContain(DAY);
    let compared = 0;
    for (const day of days) {
      const { log, rolls, hours, heads } = await dayFigures(database.client, day, closed);
      const expected = new Map([...log, ...hours]);
      expect(new Map([...rolls].map(([key, { figures }]) => [key, figures]))).toEqual(expected);
      for (const [key, { rollId }] of rolls) expect(heads.get(key.replace(/^day_\w+/, 'day'))).toBe(rollId);
      compared += rolls.size;
    }
    expect(compared).toBeGreaterThan(20);
    // An hour from the day before is not of the day.
    expect(await daysToAudit(database.client, DAY)).toEqual([DAY]);
    const last = await lastRecordsIn(database.client, 'usage_events', 't', [{ start: DAY, seconds: 86_400 }]);
    expect([...last.keys()]).toEqual([0]);
    expect(figuresKey('day_user', DAY)).toBe(`day_user ${DAY}`);
  });

  it('finds ids under several users or times that are not retracted, least first', async () => {
    const at = (ms: number): string => new Date(TEN_MS + ms).toISOString();
    const full = {
      session_id: 's',
      team: 't',
      cost_micro_usd: 5,
      attributes: { a: '1' },
      tokens: { input: 3, output: 9 },
    };
    await store(
      { event_id: 'twice', user_id: 'u-2' },
      { event_id: 'twice', user_id: 'u-1' },
      { event_id: 'moved', occurred_at: at(60_000), revision: 4, ...full },
      { event_id: 'moved', occurred_at: at(0) },
      { event_id: 'moved', occurred_at: at(1), revision: 1, retracted: true },
      { event_id: 'mended', user_id: 'u-1' },
      { event_id: 'mended', user_id: 'u-2', revision: 1, retracted: true },
      { event_id: 'mended', user_id: 'u-2' },
      { event_id: 'revised' },
      { event_id: 'revised', revision: 1 },
      { event_id: 'erased', user_id: 'u-1' },
      { event_id: 'erased', user_id: 'u-gone' },
      { event_id: 'same', source: 'a' },
      { event_id: 'same', source: 'b' },
    );
    await recordErasure(database.client, userHashOf('u-gone'));
    for (const rows of [14, 50_000_000]) {
      const found = [];
      for await (const ids of conflictCandidates(database.client, 'usage_events', 0, rows))
        found.push(...(await conflictsAmong(database.client, 'usage_events', 0, ids)));
      found.sort((a, b) => (a.eventId < b.eventId ? -1 : 1));
      expect(found.map(({ eventId, claims }) => [eventId, ...claims.map(({ revision }) => revision)])).toEqual([
        ['moved', 0, 4],
        ['twice', 0, 0],
      ]);
      expect(found[1]?.claims.map(({ identity }) => identity.user_id)).toEqual(['u-1', 'u-2']);
    }
    const moved = usageEvent({ event_id: 'moved', occurred_at: at(60_000), revision: 4, ...full });
    expect(await storedUsage(database.client, moved)).toEqual({ ...moved });
    expect(await storedUsage(database.client, usageEvent({ event_id: 'never' }))).toBeUndefined();
  });

  it('knows the minutes of the erased', async () => {
    await store({ event_id: 'a', user_id: 'u-gone' }, { event_id: 'b', user_id: 'u-stays' });
    expect(await daysOfErased(database.client)).toEqual([]);
    await recordErasure(database.client, userHashOf('u-gone'));
    expect(await daysOfErased(database.client)).toEqual([{ day: DAY / 86_400, minutes: [600], outcomes: false }]);
  });
});
