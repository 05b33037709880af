import { badCount, mapped, mismatch, noUsage, type MappedUsage, type OptionalCount } from './mapped.js';

/** Gemini's `usageMetadata`, of generateContent and of the Live API, as far as it is read. */
export interface GeminiUsage {
  readonly promptTokenCount?: OptionalCount;
  readonly cachedContentTokenCount?: OptionalCount;
  readonly toolUsePromptTokenCount?: OptionalCount;
  readonly candidatesTokenCount?: OptionalCount;
  /** The Live API's name for `candidatesTokenCount`. */
  readonly responseTokenCount?: OptionalCount;
  readonly thoughtsTokenCount?: OptionalCount;
  readonly totalTokenCount?: OptionalCount;
}

/** A response, or the last chunk of a streamed one: its counts are of the whole stream. */
export interface GeminiResponse {
  readonly responseId?: string | undefined;
  readonly modelVersion?: string | undefined;
  readonly usageMetadata?: GeminiUsage | null | undefined;
}

/** What a response tells beside its tokens. Its `model` is empty, and so to be given after it, when it has no `modelVersion`. */
export interface GeminiDetails {
  readonly event_id: string | undefined;
  readonly model: string;
}

const GEMINI = 'google';

/**
 * Maps a response (with its id and model) or only its `usageMetadata`.
 *
 * The cached content is a part of the prompt; what tools return lies outside the prompt and is input; thoughts lie
 * outside the candidates and are output; the total is the sum of these four.
 * Source: the field descriptions of `GenerateContentResponse.UsageMetadata`.
 *
 * Faults: `usage_mismatch` when `totalTokenCount` isn't that sum or the cached part exceeds the prompt; `missing_field`
 * when there is no usage, or no `promptTokenCount` as in all but the last chunk of a stream.
 */
export function fromGemini(response: GeminiResponse): GeminiDetails & MappedUsage;
export function fromGemini(usage: GeminiUsage | null | undefined): MappedUsage;
export function fromGemini(
  from: GeminiResponse | GeminiUsage | null | undefined,
): MappedUsage | (GeminiDetails & MappedUsage) {
  if (from === null || from === undefined) return noUsage(GEMINI);
  if (!isResponse(from)) return mapUsage(from);
  const { responseId, modelVersion, usageMetadata } = from;
  const tokens = usageMetadata === null || usageMetadata === undefined ? noUsage(GEMINI) : mapUsage(usageMetadata);
  return { event_id: responseId, model: modelVersion ?? '', ...tokens };
}

const isResponse = (from: GeminiResponse | GeminiUsage): from is GeminiResponse =>
  'usageMetadata' in from || 'modelVersion' in from || 'responseId' in from;

function mapUsage(usage: GeminiUsage): MappedUsage {
  const {
    promptTokenCount,
    cachedContentTokenCount,
    toolUsePromptTokenCount,
    candidatesTokenCount,
    responseTokenCount,
    thoughtsTokenCount,
    totalTokenCount,
  } = usage;
  const counts = {
    promptTokenCount,
    cachedContentTokenCount,
    toolUsePromptTokenCount,
    candidatesTokenCount,
    responseTokenCount,
    thoughtsTokenCount,
    totalTokenCount,
  };
  const bad = badCount(GEMINI, counts, ['promptTokenCount']);
  if (bad !== undefined) return bad;
  const prompt = promptTokenCount ?? 0;
  const cache_read = cachedContentTokenCount ?? 0;
  const toolUse = toolUsePromptTokenCount ?? 0;
  const reasoning = thoughtsTokenCount ?? 0;
  const output = (candidatesTokenCount ?? responseTokenCount ?? 0) + reasoning;
  if (cache_read > prompt) {
    return mismatch(GEMINI, `cachedContentTokenCount ${cache_read} exceeds promptTokenCount ${prompt}`);
  }
  const sum = prompt + toolUse + output;
  if (typeof totalTokenCount === 'number' && totalTokenCount !== sum) {
    return mismatch(GEMINI, `totalTokenCount ${totalTokenCount} is not the sum of its parts, ${sum}`);
  }
  return mapped(GEMINI, { input: prompt - cache_read + toolUse, cache_read, output, reasoning });
}
