import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { calcPrice, waitForUpdate, type ModelInfo, type Provider } from '@pydantic/genai-prices';
import { noTokens } from '@laurel/events';
import { jest } from '@jest/globals';
import { DAY_MS, dayOf, parseDayKey, type Day } from '../buckets.js';
import { modelFamily } from '../model-family.js';
import { DATASET, datasetSchedule } from './dataset.js';
import { costOf, type Price } from './price.js';
import { priceOn, UNPRICED } from './schedule.js';

const on = (key: string): Day => parseDayKey(key) ?? (0 as Day);
const inputOn = (provider: string, model: string, day = '2026-06-01'): number | null | undefined =>
  priceOn(datasetSchedule(provider, model), on(day))?.rates.input;
const all = (await waitForUpdate()) ?? [];

describe('the data set', () => {
  it('is the version that rows say', async () => {
    const entry = import.meta.resolve('@pydantic/genai-prices');
    const manifest = JSON.parse(await readFile(fileURLToPath(new URL('../package.json', entry)), 'utf8')) as {
      version: string;
    };
    expect(DATASET).toBe(`genai-prices ${manifest.version}`);
  });

  it('is read whole without a warning, an error or a request', () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const request = jest.spyOn(globalThis, 'fetch');
    const priced = all.flatMap(({ id, models }) =>
      models.filter((model) => datasetSchedule(id, model.id).some(({ price }) => price !== null)),
    );
    expect(warn).not.toHaveBeenCalled();
    expect(request).not.toHaveBeenCalled();
    // By its own ids nearly every text model is found.
    expect(priced.length).toBeGreaterThan(1400);
  });

  it('says what its own calculator says, short and long, wherever it prices a call of every class', () => {
    const counts = { input: 1000, cache_read: 2000, cache_write: 3000, output: 4000 };
    let compared = 0;
    for (const { id: provider, models } of all) {
      for (const { id } of models) {
        for (const day of [on('2025-01-01'), on('2026-06-01'), on('2026-09-30')]) {
          const price = priceOn(datasetSchedule(provider, id), day);
          if (price?.rates.cache_read == null || price.rates.cache_write === null || price.rates.output === null)
            continue;
          for (const times of [1, 1000]) {
            const own = {
              ...noTokens,
              ...Object.fromEntries(Object.entries(counts).map(([name, n]) => [name, n * times])),
            };
            const theirs = calcPrice(
              {
                input_tokens: 6000 * times,
                cache_read_tokens: own.cache_read,
                cache_write_tokens: own.cache_write,
                output_tokens: own.output,
              },
              id,
              { providerId: provider, timestamp: new Date(day * DAY_MS) },
            );
            const cost = Number(costOf(own, price).listCost) / 1e12;
            expect(cost / (theirs?.total_price ?? NaN)).toBeCloseTo(1, 4);
            compared += 1;
          }
        }
      }
    }
    expect(compared).toBeGreaterThan(500);
  });

  it('has steps on the days from which prices hold', () => {
    expect([inputOn('openai', 'o3', '2025-06-09'), inputOn('openai', 'o3', '2025-06-10')]).toEqual([
      10_000_000, 2_000_000,
    ]);
    const before = priceOn(datasetSchedule('anthropic', 'claude-opus-4-6'), on('2026-03-12'));
    const after = priceOn(datasetSchedule('anthropic', 'claude-opus-4-6'), on('2026-03-13'));
    expect(before?.long).toEqual({
      above: 200_000,
      rates: {
        input: 10_000_000,
        cache_read: 1_000_000,
        cache_write_5m: 12_500_000,
        cache_write_1h: 20_000_000,
        cache_write: 12_500_000,
        output: 37_500_000,
      },
    });
    expect(after?.long).toBeNull();
    expect(before?.rates).toEqual(after?.rates);
  });
});

describe('a model is found', () => {
  it.each([
    ['anthropic', 'claude-sonnet-4-5-20250929', 3],
    ['Anthropic', 'anthropic/claude-sonnet-4-5', 3],
    ['anthropic', 'claude-sonnet-4-5[1m]', 3],
    ['anthropic', 'claude-opus-4-8', 5],
    // Bedrock's regions are a tenth dearer than its global endpoint.
    ['bedrock', 'global.anthropic.claude-haiku-4-5-20251001-v1:0', 1],
    ['aws.bedrock', 'us.anthropic.claude-haiku-4-5-20251001-v1:0', 1.1],
    ['litellm', 'bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0', 1.1],
    [
      'bedrock',
      'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0',
      1.1,
    ],
    ['gcp.vertex_ai', 'claude-sonnet-4-5@20250929', 3],
    ['vertex_ai', 'publishers/google/models/gemini-2.5-pro', 1.25],
    ['gemini', 'models/gemini-2.5-pro', 1.25],
    ['openrouter', 'anthropic/claude-sonnet-4.5', 3],
    ['openrouter', 'openrouter/anthropic/claude-sonnet-4.5', 3],
    ['litellm', 'openrouter/anthropic/claude-sonnet-4.5', 3],
    ['azure.ai.openai', 'gpt-4o-2024-08-06', 2.5],
    ['azure', 'azure/gpt-4o', 2.5],
    ['openai', 'gpt-4o-20240806', 2.5],
    ['openai', 'gpt-5.6-luna-2026-08-01', 0.2],
  ])('at %s as %s', (provider, model, usd) => {
    expect(inputOn(provider, model, '2026-09-30')).toBe(usd * 1_000_000);
  });
});

describe('nothing is guessed', () => {
  it.each([
    ['a provider that is not known', 'our-gateway', 'claude-sonnet-4-5'],
    ['a name that only contains a provider', 'my-openai-proxy', 'gpt-4o'],
    ['a model that is not known', 'anthropic', 'claude-next'],
    ['a dearer variant of a model', 'anthropic', 'claude-opus-4-8-fast'],
    ['a later version of a model', 'aws', 'us.anthropic.claude-sonnet-5-9'],
    ['a fine-tuned model', 'openai', 'ft:o3:acme::id'],
    ['a region with its own prices', 'azure', 'azure/eu/gpt-4o'],
    ['an alias of LiteLLM', 'litellm', 'our-best-model'],
    ['a price by the time of day', 'deepseek', 'deepseek-chat'],
    ['no model', 'openai', '/'],
    ['no provider', '', 'gpt-4o'],
  ])('of %s', (_, provider, model) => expect(datasetSchedule(provider, model)).toEqual(UNPRICED));

  it('of cache writes that are not told, and of output whose reasoning has its own price', () => {
    const rates = (provider: string, model: string): Price['rates'] | undefined =>
      priceOn(datasetSchedule(provider, model), on('2026-06-01'))?.rates;
    expect(rates('openai', 'gpt-4o')).toMatchObject({ cache_write: null, cache_write_5m: null, cache_write_1h: null });
    expect(rates('openai', 'gpt-5.6-luna')).toMatchObject({ cache_write_1h: null });
    const reasoning = all.flatMap(({ id, models }) =>
      models.filter(({ prices }) => 'output_reasoning_mtok' in prices).map((model) => rates(id, model.id)),
    );
    expect(reasoning.length).toBeGreaterThan(0);
    for (const one of reasoning) expect(one?.output ?? null).toBeNull();
  });

  it('but an hour in the cache of an Anthropic model, which is twice the input wherever the data set tells it', () => {
    const told = (models: readonly ModelInfo[]): readonly ModelInfo[] =>
      models.filter(({ prices }) => JSON.stringify(prices).includes('cache_write_1h_mtok'));
    let checked = 0;
    for (const { id: provider, models } of all.filter(hasClaude)) {
      for (const { id } of told(models).filter(isClaude)) {
        for (const { price } of datasetSchedule(provider, id)) {
          if (price === null) continue;
          expect(price.rates.cache_write_1h).toBe(2 * (price.rates.input ?? NaN));
          checked += 1;
        }
      }
    }
    expect(checked).toBeGreaterThan(15);
    const bedrock = priceOn(datasetSchedule('aws', 'us.anthropic.claude-opus-4-6-v1'), dayOf(Date.UTC(2026, 5)));
    expect(bedrock?.rates).toMatchObject({ input: 5_500_000, cache_write_5m: 6_875_000, cache_write_1h: 11_000_000 });
  });
});

const hasClaude = ({ models }: Provider): boolean => models.some(isClaude);
const isClaude = ({ id }: ModelInfo): boolean => modelFamily(id).startsWith('claude-');
