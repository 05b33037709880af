import { parseDayKey, type Day } from '../buckets.js';
import { PriceCatalogue } from './catalogue.js';
import { DATASET, datasetSchedule } from './dataset.js';
import { parsePriceFile, type PriceFile } from './price-file.js';
import { priceOn, UNPRICED } from './schedule.js';

const on = (key: string): Day => parseDayKey(key) ?? (0 as Day);

function fileOf(text: string): PriceFile {
  const read = parsePriceFile(text);
  if (!read.ok) throw new Error(JSON.stringify(read.faults));
  return read.file;
}

const faultsOf = (text: string): readonly string[] => {
  const read = parsePriceFile(text);
  return read.ok ? [] : read.faults.map(({ line, message }) => `${line}: ${message}`);
};

const FILE = `
providers:
  Our-Gateway: bedrock
prices:
  - provider: our-own
    model: llama-ours
    input: 0.2
    output: 0.8
  - provider: openai
    model: o3
    from: 2026-07-01
    input: 1.5
    cache_read: 0.000001
    output: 6
    long:
      above: 200000
      input: 3
      output: 9
`;

describe('a price file', () => {
  const catalogue = new PriceCatalogue({ name: 'prices.yaml', file: fileOf(FILE) });

  it('prices what the data set does not know, but only the classes that it names', () => {
    expect(datasetSchedule('our-own', 'llama-ours')).toEqual(UNPRICED);
    expect(priceOn(catalogue.scheduleOf('our-own', 'llama-ours'), on('2020-01-01'))).toEqual({
      rates: {
        input: 200_000,
        cache_read: null,
        cache_write_5m: null,
        cache_write_1h: null,
        cache_write: null,
        output: 800_000,
      },
      long: null,
    });
    expect(catalogue.scheduleOf('our-own', 'Llama-ours')).toEqual(UNPRICED);
  });

  it('takes the place of the data set from its day on', () => {
    const schedule = catalogue.scheduleOf('openai', 'o3');
    const input = (day: string) => priceOn(schedule, on(day))?.rates.input;
    expect(['2025-06-09', '2025-06-10', '2026-06-30', '2026-07-01', '2030-01-01'].map(input)).toEqual([
      10_000_000, 2_000_000, 2_000_000, 1_500_000, 1_500_000,
    ]);
    expect(priceOn(schedule, on('2026-07-01'))).toMatchObject({
      rates: { cache_read: 1 },
      long: { above: 200_000, rates: { input: 3_000_000, cache_read: null } },
    });
  });

  it("says whose prices a company's own gateway has", () => {
    const model = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
    expect(catalogue.scheduleOf('our-gateway', model)).toEqual(datasetSchedule('aws', model));
    expect(new PriceCatalogue().scheduleOf('our-gateway', model)).toEqual(UNPRICED);
  });

  it('is told in what rows follow', () => {
    expect([new PriceCatalogue().revision, catalogue.revision]).toEqual([DATASET, `${DATASET}, prices.yaml`]);
  });

  it('may be empty', () => {
    expect(faultsOf('')).toEqual([]);
    expect(new PriceCatalogue({ name: 'x', file: fileOf('# nothing yet\n') }).scheduleOf('openai', 'o3')).toEqual(
      datasetSchedule('openai', 'o3'),
    );
  });

  it('is refused with each fault and its line', () => {
    expect(
      faultsOf(`providers:
  acme: nobody
prices:
  - provider: a
    model: b
    input: 0.0000001
    outputs: 1
  - provider: a
    model: c
    from: 2026-02-30
    input: -1
    long: { above: 1.5, input: many }
  - model: d
    input: 2000000
colour: red
`),
    ).toEqual([
      '2: providers.acme: is no provider that the data set knows',
      '6: prices[0].input: has more than 6 decimals',
      '7: prices[0].outputs: is not known',
      '10: prices[1].from: is not a day like 2026-01-31',
      '11: prices[1].input: Too small: expected number to be >=0',
      '12: prices[1].long.above: Invalid input: expected int, received number',
      '12: prices[1].long.input: Invalid input: expected number, received string',
      '13: prices[2].provider: Invalid input: expected string, received undefined',
      '14: prices[2].input: Too big: expected number to be <=1000000',
      '15: colour: is not known',
    ]);
  });

  it('is refused where YAML is broken, a key stands twice, or a price is given a second time', () => {
    expect(faultsOf('prices:\n  - provider: "a\n')).toEqual([expect.stringMatching(/^[23]: Missing closing "quote/)]);
    expect(faultsOf('prices: []\nprices: []\n')).toEqual(['2: Map keys must be unique']);
    expect(faultsOf('- 1\n')).toEqual(['1: the file: Invalid input: expected object, received array']);
    const twice = '  - { provider: a, model: b, from: 2026-01-01, input: 1 }\n';
    expect(faultsOf(`prices:\n${twice}${twice}`)).toEqual(['3: a b from 2026-01-01 is priced a second time']);
  });
});
