import { LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { parseDayKey } from '../buckets.js';
import { isKnownProvider } from './dataset.js';
import { MAX_RATE, RATE_PER_USD_PER_MILLION, type Price, type Rates } from './price.js';
import { providerId } from './provider.js';
import { FIRST_DAY, pairKey, type PriceStep } from './schedule.js';

/** Prices and names of a company's own, over those of the data set. */
export interface PriceFile {
  /** By a provider's name as it is published (in lower case): whose prices theirs are. */
  readonly providers: ReadonlyMap<string, string>;
  /** By `pairKey` of provider and model, both as they are published: steps, ascending by day. */
  readonly prices: ReadonlyMap<string, readonly PriceStep[]>;
}

/** What is wrong with a file, and where. */
export interface PriceFileFault {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

export type PriceFileResult =
  { readonly ok: true; readonly file: PriceFile } | { readonly ok: false; readonly faults: readonly PriceFileFault[] };

const MAX_USD_PER_MILLION = MAX_RATE / RATE_PER_USD_PER_MILLION;

/** US dollars for a million tokens. A rate is a whole number of pico-US-dollars, which is six decimals here. */
const usd = z
  .number()
  .min(0)
  .max(MAX_USD_PER_MILLION)
  .refine((value) => Math.round(value * RATE_PER_USD_PER_MILLION) / RATE_PER_USD_PER_MILLION === value, {
    message: 'has more than 6 decimals',
  });
const id = z.string().min(1).max(256);

const rates = {
  input: usd,
  cache_read: usd.optional(),
  cache_write_5m: usd.optional(),
  cache_write_1h: usd.optional(),
  cache_write: usd.optional(),
  output: usd.optional(),
};

const priceSchema = z.strictObject({
  provider: id,
  model: id,
  from: z
    .string()
    .refine((text) => parseDayKey(text) !== undefined, { message: 'is not a day like 2026-01-31' })
    .optional(),
  ...rates,
  long: z
    .strictObject({
      above: z
        .int()
        .min(1)
        .max(2 ** 40),
      ...rates,
    })
    .optional(),
});

const knownProvider = id.refine((name) => isKnownProvider(providerId(name)), {
  message: 'is no provider that the data set knows',
});

const fileSchema = z.strictObject({
  providers: z.record(id, knownProvider).default({}),
  prices: z.array(priceSchema).default([]),
});

type RatesInUsd = z.output<z.ZodObject<typeof rates>>;

/**
 * Reads a `prices.yaml`. Everything that is wrong is reported at once, in the order of lines.
 *
 * A price holds for its provider and model exactly as they are published, from its day on (from the beginning where none
 * is said) until the next one's; before the first the data set's holds. A class that is left out is not priced.
 */
export function parsePriceFile(text: string): PriceFileResult {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  if (document.errors.length > 0) {
    return failed(
      document.errors.map(({ linePos, message }) => ({
        line: linePos?.[0].line ?? 1,
        // The library puts the place and a drawing of it behind.
        message: (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, ''),
      })),
    );
  }
  const lineOf = (path: readonly PropertyKey[]): number => lineOfNode(document, lines, path);
  const read = fileSchema.safeParse(document.toJS() ?? {});
  if (!read.success) {
    return failed(
      read.error.issues.flatMap((issue): PriceFileFault[] => {
        if (issue.code !== 'unrecognized_keys') {
          return [{ line: lineOf(issue.path), message: `${nameOf(issue.path)}: ${issue.message}` }];
        }
        return issue.keys.map((key) => ({
          line: lineOf([...issue.path, key]),
          message: `${nameOf([...issue.path, key])}: is not known`,
        }));
      }),
    );
  }

  const faults: PriceFileFault[] = [];
  const prices = new Map<string, PriceStep[]>();
  for (const [index, { provider, model, from, long, ...base }] of read.data.prices.entries()) {
    const key = pairKey(provider, model);
    const steps = prices.get(key) ?? [];
    prices.set(key, steps);
    const day = from === undefined ? FIRST_DAY : (parseDayKey(from) ?? FIRST_DAY);
    if (steps.some((step) => step.from === day)) {
      const since = from === undefined ? '' : ` from ${from}`;
      faults.push({ line: lineOf(['prices', index]), message: `${provider} ${model}${since} is priced a second time` });
    }
    steps.push({ from: day, price: priceOf(base, long) });
  }
  if (faults.length > 0) return failed(faults);
  for (const steps of prices.values()) steps.sort((a, b) => a.from - b.from);
  const providers = new Map(Object.entries(read.data.providers).map(([name, of]) => [name.trim().toLowerCase(), of]));
  return { ok: true, file: { providers, prices } };
}

const failed = (faults: readonly PriceFileFault[]): PriceFileResult => ({
  ok: false,
  faults: [...faults].sort((a, b) => a.line - b.line),
});

const priceOf = (base: RatesInUsd, long: (RatesInUsd & { readonly above: number }) | undefined): Price => ({
  rates: ratesOf(base),
  long: long === undefined ? null : { above: long.above, rates: ratesOf(long) },
});

function ratesOf(given: RatesInUsd): Rates {
  const rate = (value: number | undefined): number | null =>
    value === undefined ? null : Math.round(value * RATE_PER_USD_PER_MILLION);
  return {
    input: rate(given.input),
    cache_read: rate(given.cache_read),
    cache_write_5m: rate(given.cache_write_5m),
    cache_write_1h: rate(given.cache_write_1h),
    cache_write: rate(given.cache_write),
    output: rate(given.output),
  };
}

/** The line of what a path leads to; of its nearest ancestor where there is nothing. */
function lineOfNode(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) {
      return lines.linePos(Number(node.range[0])).line;
    }
  }
  return 1;
}

/** `prices[2].input` */
const nameOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (name, part) => (typeof part === 'number' ? `${name}[${part}]` : `${name}${name === '' ? '' : '.'}${String(part)}`),
    '',
  ) || 'the file';
