import { usageEvent } from '@laurel/usage/fixture';
import { DATASET, PriceCatalogue, parsePriceFile } from '@laurel/usage/price-list';
import { dayKey, dayOf, pairKey, priceOn, type Day } from '@laurel/usage';
import { rollHours, rollIdOf, runAll, serverNowMs, writeClosure, writeHeads } from '../projections.js';
import { TestDatabase } from '../test-database.fixture.js';
import { UsageRows } from '../usage-rows.fixture.js';
import { changesOf, PriceKeeper } from './price-keeper.js';
import { readPrices } from './price-table.js';

/** The data set, and over it a file. */
function listOf(yaml: string): PriceCatalogue {
  const read = parsePriceFile(yaml);
  if (!read.ok) throw new Error(JSON.stringify(read.faults));
  return new PriceCatalogue({ name: 'prices.yaml', file: read.file });
}
const ours = (input: number, from?: string): PriceCatalogue =>
  listOf(
    `prices: [{ provider: own, model: ours, input: ${input}, output: 1${from === undefined ? '' : `, from: ${from}`} }]`,
  );

const OURS = { provider: 'own', model: 'ours' };
const O3 = { provider: 'openai', model: 'o3' };
const DAY = 86_400;
const MAY_14 = Date.UTC(2026, 4, 14) / 1000;

describe('the prices that are kept', () => {
  let database: TestDatabase;
  let today: Day;
  beforeAll(async () => {
    database = await TestDatabase.create();
    today = dayOf(await serverNowMs(database.client));
  });
  afterAll(() => database.drop());
  beforeEach(() => database.truncate());

  const inputOn = async ({ provider, model }: typeof OURS, day: Day): Promise<number | null | undefined> =>
    priceOn((await readPrices(database.client)).get(pairKey(provider, model))?.steps ?? [], day)?.rates.input;
  const rows = async (): Promise<number> =>
    Number((await database.rows<{ n: string }>('SELECT count() AS n FROM model_prices'))[0]?.n);

  it('have all steps of a model that is seen for the first time, and whence they are', async () => {
    await new PriceKeeper(database.client, new PriceCatalogue()).ensure([O3, OURS, O3]);
    const prices = [...(await readPrices(database.client)).values()];
    expect(
      prices.map(({ provider, model, steps }) => [
        provider,
        model,
        ...steps.map(({ from, price, source }) => [dayKey(from), price?.rates.input ?? null, source]),
      ]),
    ).toEqual([
      ['openai', 'o3', ['1970-01-01', 10_000_000, DATASET], ['2025-06-10', 2_000_000, DATASET]],
      ['own', 'ours', ['1970-01-01', null, DATASET]],
    ]);
  });

  it('survive the table as they were, whatever classes and lengths they have', async () => {
    const list = listOf(
      'prices: [{ provider: own, model: ours, input: 0, cache_read: 0.000001, cache_write_1h: 1000000, long: { above: 1, input: 3, output: 4 } }]',
    );
    await new PriceKeeper(database.client, list).ensure([OURS]);
    const [stored] = [...(await readPrices(database.client)).values()];
    expect(stored?.steps.map(({ from, price }) => ({ from, price }))).toEqual(list.scheduleOf('own', 'ours'));
  });

  it('are not written again by anybody who sees the model later, by another list either', async () => {
    const keeper = new PriceKeeper(database.client, ours(1));
    await keeper.ensure([OURS]);
    await keeper.ensure([OURS]);
    await new PriceKeeper(database.client, ours(2)).ensure([OURS]);
    expect([await rows(), await inputOn(OURS, today)]).toEqual([1, 1_000_000]);
  });

  it('follow a list that has changed only from a day on of which nothing can have been rolled', async () => {
    await new PriceKeeper(database.client, new PriceCatalogue()).ensure([OURS, O3]);
    const keeper = new PriceKeeper(database.client, ours(5));
    const { from, changed } = await keeper.adopt();
    expect([from, changed]).toEqual([today + 2, [expect.objectContaining(OURS)]]);
    expect(await inputOn(OURS, (today + 1) as Day)).toBeUndefined();
    expect(await inputOn(OURS, from)).toBe(5_000_000);
    expect((await keeper.adopt()).changed).toEqual([]);
    expect(await rows()).toBe(4);
  });

  it('drop a step to come that a new list does not have', async () => {
    const coming = dayKey((today + 9) as Day);
    await new PriceKeeper(database.client, ours(1, coming)).ensure([OURS]);
    await new PriceKeeper(database.client, new PriceCatalogue()).adopt();
    expect(await inputOn(OURS, (today + 10) as Day)).toBeUndefined();
  });

  it('are compared with a list over all days', async () => {
    await new PriceKeeper(database.client, ours(1)).ensure([OURS, O3]);
    expect(await changesOf(database.client, ours(1))).toEqual([]);
    expect(await changesOf(database.client, ours(2, '2026-03-01'))).toMatchObject([
      {
        ...OURS,
        steps: [{ price: null }, { from: Date.UTC(2026, 2) / 1000 / DAY, price: { rates: { input: 2_000_000 } } }],
      },
    ]);
  });

  it('price an event by its own day, and a late one of an earlier day by that day', async () => {
    const list = ours(3, '2026-05-15');
    await new PriceKeeper(database.client, list).ensure([OURS]);
    const cost = async (): Promise<unknown> =>
      database.rows(
        'SELECT toString(toDate(hour)) AS day, toString(sum(list_cost_usd)) AS cost, sum(unpriced_events) AS unpriced FROM usage GROUP BY day ORDER BY day',
      );
    const roll = async (offset: number): Promise<void> => {
      for (const hour of [MAY_14, MAY_14 + DAY]) {
        const id = rollIdOf(offset, Date.now(), 0);
        await runAll(database.client, rollHours([hour], id));
        await writeHeads(database.client, 'hour', [hour], id);
      }
    };
    const store = async (event_id: string, seconds: number, more = {}): Promise<void> => {
      const event = usageEvent({
        event_id,
        ...OURS,
        occurred_at: seconds * 1000,
        tokens: { input: 2_000_000 },
        ...more,
      });
      const block = new UsageRows();
      block.push(event, { topic: 't', partition: 0, offset: 0, timestampMs: seconds * 1000 });
      await block.insert(database.client);
    };
    await writeClosure(database.client, 'hour', MAY_14 + 2 * DAY);
    await store('a', MAY_14 + 1);
    await store('b', MAY_14 + DAY);
    // Its tokens were spent, though it failed.
    await store('c', MAY_14 + DAY + 1, { status: 'error' });
    await roll(1);
    const first = [
      { day: '2026-05-14', cost: '0', unpriced: '1' },
      { day: '2026-05-15', cost: '12', unpriced: '0' },
    ];
    expect(await cost()).toEqual(first);

    // A new list, and then a late event: nothing else changes.
    await new PriceKeeper(database.client, ours(9)).adopt();
    await store('d', MAY_14 + DAY + 2);
    await roll(2);
    expect(await cost()).toEqual([first[0], { day: '2026-05-15', cost: '18', unpriced: '0' }]);
  });
});
