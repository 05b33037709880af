import { setTimeout as sleep } from 'node:timers/promises';
import { readFlags, type StalePart } from '@laurel/clickhouse';
import { Roller, TestDatabase } from '@laurel/clickhouse/fixture';
import { dayOf, type Day } from '@laurel/usage';
import { usageEvent } from '@laurel/usage/fixture';
import { SignalKeeper, type SignalEvents } from './signal-keeper.js';

const DAY_MS = 86_400_000;
const DAY = dayOf(Date.UTC(2026, 4, 14));

describe('the keeper of signals', () => {
  let database: TestDatabase;
  let roller: Roller;
  const keepers: SignalKeeper[] = [];
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  beforeEach(async () => {
    await database.truncate();
    roller = new Roller(database, DAY * 86_400, (DAY + 1) * 86_400);
    await roller.begin();
  });
  afterEach(() => {
    for (const keeper of keepers.splice(0)) keeper.stop();
  });
  afterAll(() => database.drop());

  const bulk = (user_id: string) =>
    Array.from({ length: 30 }, (_, index) =>
      usageEvent({ event_id: `e-${index}`, user_id, origin: 'main', occurred_at: DAY * DAY_MS + 60_000 }),
    );
  const flagged = async (): Promise<readonly string[]> =>
    (await readFlags(database.client, { first: DAY, last: (DAY + 1) as Day })).map(({ userId }) => userId);
  const keep = (
    events: Partial<SignalEvents> = {},
    isOurs = (): boolean => true,
    options = { intervalMs: 5, timeShare: 1 },
  ): void => {
    const silent = { onComputed: () => undefined, onWaiting: () => undefined, onFailed: () => undefined };
    const keeper = new SignalKeeper(database.client, options, { ...silent, ...events }, isOurs);
    keepers.push(keeper);
    keeper.start();
  };
  const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
    const deadline = Date.now() + 60_000;
    while (!(await isSo())) {
      if (Date.now() > deadline) throw new Error('waited in vain');
      await sleep(10);
    }
  };

  it('computes each part of a day once it is closed, and again when something late comes, and else rests', async () => {
    const computed: StalePart[] = [];
    let waiting = -1;
    let looks = 0;
    keep({
      onComputed: (part) => computed.push(part),
      onWaiting: (parts) => {
        waiting = parts;
        looks += 1;
      },
    });
    await roller.take({ events: bulk('u-1'), closeHours: 23, closeDays: true });
    await until(() => waiting === 0);
    expect(computed).toEqual([]);
    await roller.take({ events: [], closeHours: 1, closeDays: true });
    await until(async () => (await flagged()).length > 0);
    await until(() => waiting === 0);
    expect(computed.map(({ part }) => part).sort()).toEqual(['days', 'history', 'hours', 'log']);
    await roller.take({ events: bulk('u-2'), closeHours: 0, closeDays: false });
    await until(async () => (await flagged()).length > 1);
    await until(() => waiting === 0);
    expect(await flagged()).toEqual(['u-1', 'u-2']);
    const done = computed.length;
    const looked = looks;
    await until(() => looks > looked + 3);
    expect(computed).toHaveLength(done);
  });

  it('leaves it to another instance where that is the one', async () => {
    await roller.take({ events: bulk('u-1'), closeHours: 24, closeDays: true });
    let isOurs = false;
    let asked = 0;
    keep({}, () => {
      asked += 1;
      return isOurs;
    });
    await until(() => asked > 3);
    expect(await flagged()).toEqual([]);
    isOurs = true;
    await until(async () => (await flagged()).length > 0);
  });

  it('goes on after a failure, which it tells', async () => {
    await roller.take({ events: bulk('u-1'), closeHours: 24, closeDays: true });
    await database.client.command({ query: 'RENAME TABLE fair_play_heads TO elsewhere' });
    let failures = 0;
    keep({ onFailed: () => (failures += 1) });
    await until(() => failures > 1);
    await database.client.command({ query: 'RENAME TABLE elsewhere TO fair_play_heads' });
    await until(async () => (await flagged()).length > 0);
  });

  it('takes no more than its share of the time', async () => {
    await roller.take({ events: bulk('u-1'), closeHours: 24, closeDays: true });
    const began = performance.now();
    let seconds = 0;
    let parts = 0;
    keep(
      {
        onComputed: (_, took) => {
          parts += 1;
          seconds += took;
        },
      },
      undefined,
      { intervalMs: 5, timeShare: 0.1 },
    );
    await until(() => parts === 3);
    // The rest after the last one is still to come.
    expect(performance.now() - began).toBeGreaterThan(seconds * 1000 * 5);
  });
});
