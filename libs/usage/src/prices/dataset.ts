import { calcPrice, findProvider, type MatchLogic, type ModelInfo, type ModelPrice } from '@pydantic/genai-prices';
import { DAY_MS, dayOf, type Day } from '../buckets.js';
import { modelFamily } from '../model-family.js';
import { MAX_RATE, RATE_PER_USD_PER_MILLION, type Price, type Rates } from './price.js';
import { offersOf, type Offer } from './provider.js';
import { FIRST_DAY, UNPRICED, type PriceStep, type Schedule } from './schedule.js';

/** The data set that prices come from, as the rows that follow it say. It comes with the package: nothing is fetched. */
export const DATASET = 'genai-prices 0.1.8';

/**
 * What the data set knows of a model's price, by the names that events carry. Unpriced is, and never guessed:
 * - a provider or model that it does not name. Its patterns match by beginnings, too: where one is met only so, the model's
 *   family must be the one that is priced (`claude-opus-4-8-fast` is dearer than `claude-opus-4-8`);
 * - a model whose price depends on the time of day, or has more than one step by length;
 * - output, where reasoning has a price of its own.
 *
 * Fees that are not by token (per request or search), and prices of audio and images, are left out.
 */
export function datasetSchedule(provider: string, model: string): Schedule {
  for (const offer of offersOf(provider, model)) {
    const found = find(offer);
    if (found !== undefined) return scheduleOf(offer, found);
  }
  return UNPRICED;
}

/** Whether the data set knows a provider, whose models it may or may not know. */
export const isKnownProvider = (provider: string): boolean => findProvider({ providerId: provider })?.id === provider;

const lookUp = ({ provider, model }: Offer, at: Date) => calcPrice({}, model, { providerId: provider, timestamp: at });

function find(offer: Offer): ModelInfo | undefined {
  if (!isKnownProvider(offer.provider)) return undefined;
  const model = lookUp(offer, new Date(0))?.model;
  return model !== undefined && isSameModel(offer.model.toLowerCase(), model) ? model : undefined;
}

const FINE_TUNED = 'ft:';

function isSameModel(id: string, { id: pricedAs, match }: ModelInfo): boolean {
  // A fine-tuned model has its own price.
  if (id.startsWith(FINE_TUNED) !== pricedAs.startsWith(FINE_TUNED)) return false;
  const patterns = patternsOf(match);
  if (patterns.some((pattern) => isExact(pattern, id))) return true;
  const family = modelFamily(id);
  return [pricedAs, ...patterns.map(textOf)].some((text) => modelFamily(text) === family);
}

type Pattern = Exclude<MatchLogic, { and: MatchLogic[] } | { or: MatchLogic[] }>;

function patternsOf(match: MatchLogic): readonly Pattern[] {
  if ('or' in match) return match.or.flatMap(patternsOf);
  if ('and' in match) return match.and.flatMap(patternsOf);
  return [match];
}

function isExact(pattern: Pattern, id: string): boolean {
  if ('equals' in pattern) return pattern.equals.toLowerCase() === id;
  return 'regex' in pattern && /^\^.*[^\\]\$$/.test(pattern.regex) && new RegExp(pattern.regex).test(id);
}

function textOf(pattern: Pattern): string {
  if ('equals' in pattern) return pattern.equals;
  if ('starts_with' in pattern) return pattern.starts_with;
  if ('ends_with' in pattern) return pattern.ends_with;
  return 'contains' in pattern ? pattern.contains.replace(/[@-]$/, '') : '';
}

function scheduleOf(offer: Offer, { id, prices }: ModelInfo): Schedule {
  if (!Array.isArray(prices)) return [{ from: FIRST_DAY, price: priceOf(prices, id) }];
  const days = new Set<Day>([FIRST_DAY]);
  for (const { constraint } of prices) {
    if (constraint?.type === 'time_of_date') return UNPRICED;
    if (constraint !== undefined) days.add(dayOf(Date.parse(constraint.start_date)));
  }
  return [...days]
    .sort((a, b) => a - b)
    .map((from): PriceStep => {
      const rates = lookUp(offer, new Date(from * DAY_MS))?.model_price;
      return { from, price: rates === undefined ? null : priceOf(rates, id) };
    });
}

/** US dollars for a million tokens; undefined where none are told. */
type Tariff = (key: string, isLong: boolean) => number | undefined;

function priceOf(prices: ModelPrice, pricedAs: string): Price | null {
  const starts = new Set<number>();
  for (const value of Object.values(prices)) {
    if (typeof value !== 'object') continue;
    for (const { start } of value.tiers) starts.add(start);
  }
  const [above, ...more] = starts;
  if (more.length > 0) return null;
  const tariff: Tariff = (key, isLong) => {
    const value = prices[key];
    return typeof value === 'object' ? ((isLong ? value.tiers[0]?.price : undefined) ?? value.base) : value;
  };
  const rates = ratesOf(tariff, false, pricedAs);
  if (rates.input === null) return null;
  return { rates, long: above === undefined ? null : { above, rates: ratesOf(tariff, true, pricedAs) } };
}

/**
 * The data set has one price of cache writes, and of some models another for those kept for an hour. The former is taken for five
 * minutes and where the time is not told: five minutes are Anthropic's default, and elsewhere there is one price only.
 *
 * Where an hour's price is missing and the model is Anthropic's, it is twice the input's, whoever sells it:
 * https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing ("1-hour cache write tokens are 2 times the base
 * input tokens price"). Of others it is not known.
 */
function ratesOf(tariff: Tariff, isLong: boolean, pricedAs: string): Rates {
  const rate = (key: string): number | null => rateOf(tariff(key, isLong));
  const input = rate('input_mtok');
  const written = rate('cache_write_mtok');
  const isClaude = modelFamily(pricedAs).startsWith('claude-');
  const hour = isClaude && written !== null && input !== null ? rateOf((2 * input) / RATE_PER_USD_PER_MILLION) : null;
  return {
    input,
    cache_read: rate('cache_read_mtok'),
    cache_write_5m: rate('cache_write_5m_mtok') ?? written,
    cache_write_1h: rate('cache_write_1h_mtok') ?? hour,
    cache_write: written,
    output: tariff('output_reasoning_mtok', isLong) === undefined ? rate('output_mtok') : null,
  };
}

/** In pico-US-dollars per token, to the nearest; some prices of the data set are thirds. */
function rateOf(usdPerMillion: number | undefined): number | null {
  if (usdPerMillion === undefined) return null;
  const rate = Math.round(usdPerMillion * RATE_PER_USD_PER_MILLION);
  return rate <= MAX_RATE ? rate : null;
}
