import { noUsage, type MappedUsage, type OptionalCount } from './mapped.js';
import { mapOpenAI, OPENAI } from './openai-input.js';

/** `usage` of OpenAI's Chat Completions API, as far as it is read. */
export interface OpenAIChatUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens?: OptionalCount;
  readonly prompt_tokens_details?:
    { readonly cached_tokens?: OptionalCount; readonly cache_write_tokens?: OptionalCount } | null | undefined;
  readonly completion_tokens_details?: { readonly reasoning_tokens?: OptionalCount } | null | undefined;
}

/** A chat completion, or the last chunk of a streamed one (ask for `stream_options: { include_usage: true }`). */
export interface OpenAIChatCompletion {
  readonly id: string;
  readonly model: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly usage?: OpenAIChatUsage | null | undefined;
}

/** What a completion tells beside its tokens. */
export interface OpenAIDetails {
  readonly event_id: string;
  readonly model: string;
  readonly occurred_at: number;
}

/**
 * Maps a chat completion (with its id, model and time) or only its `usage`.
 *
 * Faults: `usage_mismatch` when `total_tokens` isn't prompt plus completion tokens, or a part exceeds its whole, as in
 * some compatible services that count reasoning outside the completion; `missing_field` when there is no usage.
 */
export function fromOpenAIChat(completion: OpenAIChatCompletion): OpenAIDetails & MappedUsage;
export function fromOpenAIChat(usage: OpenAIChatUsage | null | undefined): MappedUsage;
export function fromOpenAIChat(
  from: OpenAIChatCompletion | OpenAIChatUsage | null | undefined,
): MappedUsage | (OpenAIDetails & MappedUsage) {
  if (from === null || from === undefined) return noUsage(OPENAI);
  if ('prompt_tokens' in from) return mapUsage(from);
  const { id, model, created, usage } = from;
  const tokens = usage === null || usage === undefined ? noUsage(OPENAI) : mapUsage(usage);
  return { event_id: id, model, occurred_at: Math.floor(created * 1000), ...tokens };
}

const mapUsage = (usage: OpenAIChatUsage): MappedUsage =>
  mapOpenAI(
    {
      input: usage.prompt_tokens,
      cached: usage.prompt_tokens_details?.cached_tokens,
      cacheWrite: usage.prompt_tokens_details?.cache_write_tokens,
      output: usage.completion_tokens,
      reasoning: usage.completion_tokens_details?.reasoning_tokens,
      total: usage.total_tokens,
    },
    { input: 'prompt_tokens', output: 'completion_tokens' },
  );
