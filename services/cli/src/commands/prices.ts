import Table from 'cli-table3';
import { Command, InvalidArgumentError } from 'commander';
import {
  addPrices,
  assertMigrated,
  changesOf,
  connectClickHouse,
  minutesToReprice,
  readMigrations,
  readPrices,
  repricedDays,
  serverNowMs,
  type ClickHouseClient,
  type Pair,
  type RepricedDay,
  type StoredStep,
} from '@laurel/clickhouse';
import { topics } from '@laurel/events';
import { changeRecords, priceSettings, readPriceFile } from '@laurel/ingest';
import { assertTopics, RecordProducer } from '@laurel/kafka';
import { clickHouseConnection, clickHouseSettings, kafkaSettings } from '@laurel/service-host/settings';
import { dayKey, dayOf, FIRST_DAY, parseDayKey, RATE_PER_USD_PER_MILLION, type Day, type Price } from '@laurel/usage';
import { PriceCatalogue } from '@laurel/usage/price-list';
import { fromEnvironment, kafkaFrom } from '../environment.js';
import { harmless } from '../terminal.js';

const tableSettings = { ...clickHouseSettings };
const repriceSettings = { ...kafkaSettings, ...clickHouseSettings, ...priceSettings };

/** A day of a large company is read whole, for each day that changes. */
const STATEMENT_TIMEOUT_MS = 3_600_000;

const day = (text: string): Day => {
  const parsed = parseDayKey(text);
  if (parsed === undefined) throw new InvalidArgumentError('not a day as YYYY-MM-DD');
  return parsed;
};

export function pricesCommand(): Command {
  return new Command('prices')
    .description('list prices of models: see them, check a file of them, and price history anew')
    .addCommand(
      new Command('list')
        .description('print the prices of all models that were used, as figures follow them')
        .option('--unpriced', 'only models that have no price today')
        .option('--json', 'one JSON document')
        .action(list),
    )
    .addCommand(
      new Command('check')
        .description('check a file of prices, and say what is wrong with it, line by line')
        .argument('<file>', 'YAML, as docs/reference/prices.md describes it')
        .addHelpText('after', '\nExit status: 0 sound, 1 faults were found. Nothing is connected to.')
        .action(check),
    )
    .addCommand(
      new Command('reprice')
        .description('show what history would cost by the present price list, and with --yes price it so')
        .option('--from <day>', 'events from this UTC day on only, YYYY-MM-DD; default all', day)
        .option('-y, --yes', 'apply it: write the prices, and have the days that change rolled again')
        .option('--json', 'one JSON document')
        .addHelpText(
          'after',
          `
The list is the data set that comes with this version, with LAUREL_PRICES_FILE over it. A new list never changes what was
priced already, unless by this command: usage-ingest takes it into use two days ahead.
Without --yes nothing is changed. Exit status: 0 done or nothing to do, 1 failed, 78 the environment or the file is not valid.`,
        )
        .action(reprice),
    );
}

const printJson = (document: unknown): void => console.log(JSON.stringify(document, undefined, 2));

function check(path: string): void {
  const read = readPriceFile(path);
  if (read instanceof PriceCatalogue) {
    console.log(`${path} is sound`);
    return;
  }
  for (const fault of read) console.error(fault.startsWith(path) ? fault : `${path} ${fault}`);
  process.exitCode = 1;
}

async function withTables(
  connection: Parameters<typeof connectClickHouse>[0],
  work: (clickhouse: ClickHouseClient) => Promise<void>,
): Promise<void> {
  const clickhouse = connectClickHouse({ ...connection, requestTimeoutMs: STATEMENT_TIMEOUT_MS });
  try {
    await assertMigrated(clickhouse, await readMigrations());
    await work(clickhouse);
  } finally {
    await clickhouse.close();
  }
}

/** Today's step and those to come. */
const presentSteps = (steps: readonly StoredStep[], today: Day): readonly StoredStep[] => {
  const at = steps.findLastIndex(({ from }) => from <= today);
  return steps.slice(Math.max(at, 0));
};

async function list(flags: { readonly unpriced?: boolean; readonly json?: boolean }): Promise<void> {
  const config = fromEnvironment(tableSettings);
  await withTables(clickHouseConnection(config, 'laurel-prices'), async (clickhouse) => {
    const today = dayOf(await serverNowMs(clickhouse));
    const all = [...(await readPrices(clickhouse)).values()].filter(
      ({ steps }) => flags.unpriced !== true || presentSteps(steps, today)[0]?.price == null,
    );
    if (flags.json === true) {
      printJson(
        all.map(({ provider, model, steps }) => ({
          provider,
          model,
          prices: steps.map(({ from, price, version, source }) => ({
            from: dayKey(from),
            ...(price === null ? { priced: false } : { priced: true, ...inUsd(price) }),
            source,
            price_version: version,
          })),
        })),
      );
      return;
    }
    const table = new Table({
      head: ['provider', 'model', 'from', 'input', 'read', 'write 5m', 'write 1h', 'write', 'output', 'long', 'source'],
      style: { head: [], border: [] },
    });
    for (const { provider, model, steps } of all) {
      for (const { from, price, source } of presentSteps(steps, today)) {
        const { input, cache_read, cache_write_5m, cache_write_1h, cache_write, output } = price?.rates ?? {};
        table.push([
          harmless(provider),
          harmless(model),
          from === FIRST_DAY ? '' : dayKey(from),
          ...[input, cache_read, cache_write_5m, cache_write_1h, cache_write, output].map(cell),
          price?.long == null ? '' : `> ${price.long.above}`,
          source,
        ]);
      }
    }
    if (all.length === 0) console.log(flags.unpriced === true ? 'every model has a price' : 'no model was used yet');
    else console.log(`${table.toString()}\nUS dollars per million tokens; – is not known`);
  });
}

const usdPerMillion = (rate: number): number => rate / RATE_PER_USD_PER_MILLION;
const cell = (rate: number | null | undefined): string => (rate == null ? '–' : String(usdPerMillion(rate)));

/** As a price file has it. */
function inUsd({ rates, long }: Price): object {
  const own = (of: Price['rates']): object =>
    Object.fromEntries(Object.entries(of).map(([name, rate]) => [name, rate === null ? null : usdPerMillion(rate)]));
  return { ...own(rates), ...(long === null ? {} : { long: { above: long.above, ...own(long.rates) } }) };
}

interface RepriceFlags {
  readonly from?: Day;
  readonly yes?: boolean;
  readonly json?: boolean;
}

async function reprice(flags: RepriceFlags): Promise<void> {
  const config = fromEnvironment(repriceSettings);
  await withTables(clickHouseConnection(config, 'laurel-prices'), async (clickhouse) => {
    const changes = await changesOf(clickhouse, config.prices, flags.from ?? FIRST_DAY);
    const days: RepricedDay[] = [];
    for await (const one of repricedDays(clickhouse, changes)) days.push(one);
    if (flags.json !== true) print(days, changes);
    if (flags.yes === true && changes.length > 0) {
      const kafka = kafkaFrom(config);
      const producer = new RecordProducer(kafka, config.topicPrefix);
      try {
        await assertTopics(kafka, [topics.usageStored], config.topicPrefix);
        await producer.connect();
        await addPrices(clickhouse, changes, config.prices.revision, await serverNowMs(clickhouse));
        const touched = await minutesToReprice(clickhouse, changes);
        await producer.send(topics.usageStored.name, changeRecords(touched, 'rebuilt', Date.now()));
      } finally {
        await producer.close();
      }
    }
    const applied = flags.yes === true;
    if (flags.json === true) {
      printJson({
        source: config.prices.revision,
        applied,
        prices: changes.map(({ provider, model, steps }) => ({
          provider,
          model,
          from: steps.map(({ from }) => dayKey(from)),
        })),
        days: days.map(({ day: one, before, after, ...rest }) => ({
          day: dayKey(one),
          ...rest,
          before: costJson(before),
          after: costJson(after),
        })),
      });
    } else if (changes.length > 0) {
      console.log(applied ? 'Applied; the days are being rolled again.' : 'Nothing was changed. To apply it: --yes');
    }
  });
}

const costJson = ({ listCostUsd, cacheSavingUsd, unpricedEvents }: RepricedDay['before']): object => ({
  list_cost_usd: listCostUsd,
  cache_saving_usd: cacheSavingUsd,
  unpriced_events: unpricedEvents,
});

function print(days: readonly RepricedDay[], changes: readonly Pair[]): void {
  if (changes.length === 0) {
    console.log('All prices are those of the list.');
    return;
  }
  const table = new Table({
    head: ['day', 'provider', 'model', 'events', 'list cost', 'would be', 'unpriced', 'would be'],
    colAligns: ['left', 'left', 'left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const { day: one, provider, model, events, before, after } of days) {
    table.push([
      dayKey(one),
      harmless(provider),
      harmless(model),
      events,
      before.listCostUsd,
      after.listCostUsd,
      before.unpricedEvents,
      after.unpricedEvents,
    ]);
  }
  if (days.length > 0) console.log(table.toString());
  console.log(
    `The prices of ${changes.length} models change; of them ${days.length} figures of a day are known. US dollars.`,
  );
}
