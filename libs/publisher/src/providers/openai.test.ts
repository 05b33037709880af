import type OpenAI from 'openai';
import fc from 'fast-check';
import { totalTokens } from '@laurel/events';
import { fromOpenAIChat, type OpenAIChatCompletion, type OpenAIChatUsage } from './openai-chat.js';
import { fromOpenAIResponses, type OpenAIResponse, type OpenAIResponsesUsage } from './openai-responses.js';

type ChatUsage = OpenAI.CompletionUsage;
type ResponsesUsage = OpenAI.Responses.ResponseUsage;

it("takes the provider's own types as they are", () => {
  const checks: [
    (given: ChatUsage) => OpenAIChatUsage,
    (given: OpenAI.ChatCompletion) => OpenAIChatCompletion,
    (given: OpenAI.ChatCompletionChunk) => OpenAIChatCompletion,
    (given: ResponsesUsage) => OpenAIResponsesUsage,
    (given: OpenAI.Responses.Response) => OpenAIResponse,
  ] = [(a) => a, (a) => a, (a) => a, (a) => a, (a) => a];
  expect(checks).toHaveLength(5);
});

interface Counts {
  readonly input: number;
  readonly cached: number;
  readonly written: number;
  readonly output: number;
  readonly reasoning: number;
  readonly total: number;
}

function chat(given: Counts) {
  const usage: ChatUsage = {
    prompt_tokens: given.input,
    completion_tokens: given.output,
    total_tokens: given.total,
    prompt_tokens_details: { cached_tokens: given.cached, cache_write_tokens: given.written, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: given.reasoning, accepted_prediction_tokens: 0 },
  };
  return fromOpenAIChat(usage);
}

function responses(given: Counts) {
  const usage: ResponsesUsage = {
    input_tokens: given.input,
    output_tokens: given.output,
    total_tokens: given.total,
    input_tokens_details: { cached_tokens: given.cached, cache_write_tokens: given.written },
    output_tokens_details: { reasoning_tokens: given.reasoning },
  };
  return fromOpenAIResponses(usage);
}

/** The example of OpenAI's prompt caching guide, with an answer. */
const example: Counts = { input: 2600, cached: 2000, written: 400, output: 300, reasoning: 120, total: 2900 };

describe.each([
  ['Chat Completions', chat],
  ['Responses', responses],
])("usage of OpenAI's %s", (_, map) => {
  it('has cached and written tokens inside the input, and reasoning inside the output', () => {
    expect(map(example)).toEqual({
      provider: 'openai',
      tokens: {
        input: 200,
        cache_read: 2000,
        cache_write_5m: 0,
        cache_write_1h: 0,
        cache_write: 400,
        output: 300,
        reasoning: 120,
      },
    });
  });

  it.each<[string, Partial<Counts>, string]>([
    ['a total that is not input plus output', { total: 3020 }, 'usage_mismatch'],
    ['parts of the input that exceed it', { cached: 2201 }, 'usage_mismatch'],
    ['reasoning beyond the output', { reasoning: 301 }, 'usage_mismatch'],
    ['a negative count', { output: -1 }, 'count_out_of_range'],
    ['a count that is no number', { input: Number.NaN }, 'count_out_of_range'],
    ['no input', { input: undefined as never }, 'missing_field'],
  ])('is refused with %s', (__, given, code) => {
    expect(map({ ...example, ...given }).fault?.code).toBe(code);
  });

  it("adds up to the provider's own total (property)", () => {
    const count = fc.nat(2 ** 30);
    fc.assert(
      fc.property(count, count, count, count, count, (plain, cached, written, answer, reasoning) => {
        const input = plain + cached + written;
        const output = answer + reasoning;
        const { tokens } = map({ input, cached, written, output, reasoning, total: input + output });
        expect(tokens && totalTokens(tokens)).toBe(input + output);
        expect(tokens?.reasoning).toBe(reasoning);
      }),
    );
  });

  it('is refused whenever the total differs (property)', () => {
    fc.assert(
      fc.property(fc.nat(1e9), fc.nat(1e9), fc.nat(1e9), (input, output, total) => {
        fc.pre(total !== input + output);
        expect(map({ input, output, total, cached: 0, written: 0, reasoning: 0 }).fault?.code).toBe('usage_mismatch');
      }),
    );
  });
});

it('takes id, model and time from a completion, and from the last chunk of a stream', () => {
  const usage: ChatUsage = { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 };
  const completion: OpenAI.ChatCompletion = {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_780_000_000,
    model: 'gpt-6',
    choices: [],
    usage,
  };
  const expected = {
    event_id: 'chatcmpl-1',
    model: 'gpt-6',
    occurred_at: 1_780_000_000_000,
    provider: 'openai',
    tokens: { input: 7, output: 5, cache_read: 0 },
  };
  expect(fromOpenAIChat(completion)).toMatchObject(expected);
  const chunk: OpenAI.ChatCompletionChunk = { ...completion, object: 'chat.completion.chunk', choices: [], usage };
  expect(fromOpenAIChat(chunk)).toMatchObject(expected);
  expect(fromOpenAIChat({ ...chunk, usage: null }).fault?.code).toBe('missing_field');
  expect(fromOpenAIChat(undefined).fault?.code).toBe('missing_field');
});

it('takes id, model and time from a response; one that failed has no usage', () => {
  const response = {
    id: 'resp_1',
    created_at: 1_780_000_000.25,
    model: 'gpt-6',
    usage: {
      input_tokens: 7,
      output_tokens: 5,
      total_tokens: 12,
      input_tokens_details: { cached_tokens: 1, cache_write_tokens: 0 },
      output_tokens_details: { reasoning_tokens: 0 },
    },
  } as OpenAI.Responses.Response;
  expect(fromOpenAIResponses(response)).toMatchObject({
    event_id: 'resp_1',
    model: 'gpt-6',
    occurred_at: 1_780_000_000_250,
    tokens: { input: 6, cache_read: 1, output: 5 },
  });
  delete response.usage;
  expect(fromOpenAIResponses(response).fault?.code).toBe('missing_field');
});
