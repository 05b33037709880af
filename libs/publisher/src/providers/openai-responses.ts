import { noUsage, type MappedUsage, type OptionalCount } from './mapped.js';
import type { OpenAIDetails } from './openai-chat.js';
import { mapOpenAI, OPENAI } from './openai-input.js';

/** `usage` of OpenAI's Responses API, as far as it is read. */
export interface OpenAIResponsesUsage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly total_tokens?: OptionalCount;
  readonly input_tokens_details?:
    { readonly cached_tokens?: OptionalCount; readonly cache_write_tokens?: OptionalCount } | null | undefined;
  readonly output_tokens_details?: { readonly reasoning_tokens?: OptionalCount } | null | undefined;
}

/** A response, or the `response` of the stream's `response.completed` event. */
export interface OpenAIResponse {
  readonly id: string;
  readonly model: string;
  /** Seconds since the epoch. */
  readonly created_at: number;
  readonly usage?: OpenAIResponsesUsage | null | undefined;
}

/**
 * Maps a response (with its id, model and time) or only its `usage`.
 *
 * Faults: `usage_mismatch` when `total_tokens` isn't input plus output tokens, or a part exceeds its whole;
 * `missing_field` when there is no usage.
 */
export function fromOpenAIResponses(response: OpenAIResponse): OpenAIDetails & MappedUsage;
export function fromOpenAIResponses(usage: OpenAIResponsesUsage | null | undefined): MappedUsage;
export function fromOpenAIResponses(
  from: OpenAIResponse | OpenAIResponsesUsage | null | undefined,
): MappedUsage | (OpenAIDetails & MappedUsage) {
  if (from === null || from === undefined) return noUsage(OPENAI);
  if ('input_tokens' in from) return mapUsage(from);
  const { id, model, created_at, usage } = from;
  const tokens = usage === null || usage === undefined ? noUsage(OPENAI) : mapUsage(usage);
  return { event_id: id, model, occurred_at: Math.floor(created_at * 1000), ...tokens };
}

const mapUsage = (usage: OpenAIResponsesUsage): MappedUsage =>
  mapOpenAI(
    {
      input: usage.input_tokens,
      cached: usage.input_tokens_details?.cached_tokens,
      cacheWrite: usage.input_tokens_details?.cache_write_tokens,
      output: usage.output_tokens,
      reasoning: usage.output_tokens_details?.reasoning_tokens,
      total: usage.total_tokens,
    },
    { input: 'input_tokens', output: 'output_tokens' },
  );
