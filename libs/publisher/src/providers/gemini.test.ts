import type { GenerateContentResponse, GenerateContentResponseUsageMetadata, UsageMetadata } from '@google/genai';
import fc from 'fast-check';
import { totalTokens } from '@laurel/events';
import { fromGemini, type GeminiResponse, type GeminiUsage } from './gemini.js';

/** As it arrives: the class has no methods, and tests spread plain objects. */
type Usage = Pick<GenerateContentResponseUsageMetadata, keyof GenerateContentResponseUsageMetadata>;

it("takes the provider's own types as they are", () => {
  const checks: [
    (given: Usage) => GeminiUsage,
    (given: UsageMetadata) => GeminiUsage,
    (given: GenerateContentResponse) => GeminiResponse,
  ] = [(a) => a, (a) => a, (a) => a];
  expect(checks).toHaveLength(3);
});

/** Counts as gemini-3-flash-preview told them of a call with Google search; the cached part is added. */
const example: Usage = {
  promptTokenCount: 151,
  cachedContentTokenCount: 51,
  candidatesTokenCount: 1089,
  totalTokenCount: 20689,
  toolUsePromptTokenCount: 18329,
  thoughtsTokenCount: 1120,
};

it('has the cache inside the prompt, tool results beside it, and thoughts beside the candidates', () => {
  expect(fromGemini(example)).toEqual({
    provider: 'google',
    tokens: {
      input: 100 + 18329,
      cache_read: 51,
      cache_write_5m: 0,
      cache_write_1h: 0,
      cache_write: 0,
      output: 1089 + 1120,
      reasoning: 1120,
    },
  });
});

it("reads the Live API's name for the candidates", () => {
  const live: UsageMetadata = { promptTokenCount: 10, responseTokenCount: 4, totalTokenCount: 14 };
  expect(fromGemini(live).tokens).toMatchObject({ input: 10, output: 4 });
});

it('takes id and model from a response', () => {
  const response = {
    responseId: 'r-1',
    modelVersion: 'gemini-3-flash-preview',
    usageMetadata: example,
  } as GenerateContentResponse;
  expect(fromGemini(response)).toMatchObject({
    event_id: 'r-1',
    model: 'gemini-3-flash-preview',
    tokens: { cache_read: 51 },
  });
});

it.each<[string, Usage | undefined, string]>([
  ['a total that is not the sum of its parts', { ...example, totalTokenCount: 20690 }, 'usage_mismatch'],
  ['a cached part beyond the prompt', { ...example, cachedContentTokenCount: 152 }, 'usage_mismatch'],
  ['a negative count', { ...example, thoughtsTokenCount: -1 }, 'count_out_of_range'],
  ['a chunk before the last, which has no prompt', { cachedContentTokenCount: 5100 }, 'missing_field'],
  ['no usage', undefined, 'missing_field'],
])('is refused with %s', (_, given, code) => {
  expect(fromGemini(given).fault?.code).toBe(code);
});

it("adds up to the provider's own total, whatever is absent (property)", () => {
  const count = fc.nat(2 ** 30);
  const maybe = fc.option(count, { nil: undefined });
  fc.assert(
    fc.property(count, maybe, maybe, maybe, maybe, (plain, cached, tools, candidates, thoughts) => {
      const prompt = plain + (cached ?? 0);
      const total = prompt + (tools ?? 0) + (candidates ?? 0) + (thoughts ?? 0);
      const given = {
        promptTokenCount: prompt,
        ...(cached === undefined ? {} : { cachedContentTokenCount: cached }),
        ...(tools === undefined ? {} : { toolUsePromptTokenCount: tools }),
        ...(candidates === undefined ? {} : { candidatesTokenCount: candidates }),
        ...(thoughts === undefined ? {} : { thoughtsTokenCount: thoughts }),
        totalTokenCount: total,
      } satisfies Usage;
      const { tokens } = fromGemini(given);
      expect(tokens && totalTokens(tokens)).toBe(total);
      expect(fromGemini({ ...given, totalTokenCount: total + 1 }).fault?.code).toBe('usage_mismatch');
    }),
  );
});
