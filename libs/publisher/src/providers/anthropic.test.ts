import type Anthropic from '@anthropic-ai/sdk';
import fc from 'fast-check';
import { totalTokens } from '@laurel/events';
import { fromAnthropic, fromAnthropicAdvisors, type AnthropicMessage, type AnthropicUsage } from './anthropic.js';
import { anthropicStream, type AnthropicStreamEvent } from './anthropic-stream.js';

type Usage = Anthropic.Messages.Usage;
type BetaUsage = Anthropic.Beta.Messages.BetaUsage;
type Iteration = NonNullable<BetaUsage['iterations']>[number];

const usage = (given: Partial<Usage> = {}): Usage => ({
  input_tokens: 100,
  output_tokens: 50,
  cache_creation: null,
  cache_creation_input_tokens: null,
  cache_read_input_tokens: null,
  inference_geo: null,
  output_tokens_details: null,
  server_tool_use: null,
  service_tier: 'standard',
  speed: null,
  ...given,
});

const betaUsage = (given: Partial<BetaUsage> = {}): BetaUsage => ({
  ...usage(),
  fallback_credit: null,
  iterations: null,
  server_tool_use: null,
  ...given,
});

const counts = (input_tokens: number, output_tokens: number, cache_read_input_tokens = 0) => ({
  cache_creation: null,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens,
  input_tokens,
  output_tokens,
});

it("takes the provider's own types as they are", () => {
  const checks: [
    (given: Usage) => AnthropicUsage,
    (given: BetaUsage) => AnthropicUsage,
    (given: Anthropic.Messages.Message) => AnthropicMessage,
    (given: Anthropic.Beta.Messages.BetaMessage) => AnthropicMessage,
    (given: Anthropic.Messages.RawMessageStreamEvent) => AnthropicStreamEvent,
    (given: Anthropic.Beta.Messages.BetaRawMessageStreamEvent) => AnthropicStreamEvent,
  ] = [(a) => a, (a) => a, (a) => a, (a) => a, (a) => a, (a) => a];
  expect(checks).toHaveLength(6);
});

describe("a message's usage", () => {
  it('has input that leaves the cache out', () => {
    expect(fromAnthropic(usage({ cache_read_input_tokens: 900, cache_creation_input_tokens: 0 }))).toEqual({
      provider: 'anthropic',
      tokens: {
        input: 100,
        cache_read: 900,
        cache_write_5m: 0,
        cache_write_1h: 0,
        cache_write: 0,
        output: 50,
        reasoning: 0,
      },
    });
  });

  it('tells cache writes apart by lifetime; without the breakdown the lifetime is unknown', () => {
    const cache_creation = { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 12 };
    expect(fromAnthropic(usage({ cache_creation, cache_creation_input_tokens: 42 })).tokens).toMatchObject({
      cache_write_5m: 30,
      cache_write_1h: 12,
      cache_write: 0,
    });
    expect(fromAnthropic(usage({ cache_creation_input_tokens: 42 })).tokens).toMatchObject({
      cache_write_5m: 0,
      cache_write_1h: 0,
      cache_write: 42,
    });
    // As in finalMessage() of a stream, where the total grows after the breakdown was told.
    expect(fromAnthropic(usage({ cache_creation, cache_creation_input_tokens: 50 })).tokens).toMatchObject({
      cache_write_5m: 30,
      cache_write_1h: 12,
      cache_write: 8,
    });
  });

  it('is refused when the writes by lifetime exceed their total', () => {
    const cache_creation = { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 13 };
    expect(fromAnthropic(usage({ cache_creation, cache_creation_input_tokens: 42 }))).toMatchObject({
      provider: 'anthropic',
      fault: { code: 'usage_mismatch' },
    });
  });

  it('has thinking inside the output', () => {
    expect(fromAnthropic(usage({ output_tokens_details: { thinking_tokens: 20 } })).tokens).toMatchObject({
      output: 50,
      reasoning: 20,
    });
    expect(fromAnthropic(usage({ output_tokens_details: { thinking_tokens: 51 } })).fault?.code).toBe('usage_mismatch');
  });

  it.each([
    [{ input_tokens: -1 }, 'count_out_of_range'],
    [{ output_tokens: 1.5 }, 'count_out_of_range'],
    [{ input_tokens: undefined as never }, 'missing_field'],
  ])('is refused with %j', (given, code) => {
    expect(fromAnthropic(usage(given)).fault?.code).toBe(code);
  });

  it('may be missing, as in a message that never began', () => {
    expect(fromAnthropic(undefined).fault?.code).toBe('missing_field');
    for (const none of [null, undefined]) {
      const message = { id: 'msg_1', model: 'claude-opus-4-6', usage: none };
      expect(fromAnthropic(message)).toMatchObject({ event_id: 'msg_1', fault: { code: 'missing_field' } });
      expect(fromAnthropicAdvisors(message)).toEqual([]);
    }
  });

  it('may be missing from the events of a stream, which then tell nothing new', () => {
    const stream = anthropicStream();
    stream.add({ type: 'message_start', message: { id: 'msg_1', model: 'claude-opus-4-6', usage: usage({}) } });
    const before = stream.result();
    for (const none of [null, undefined]) stream.add({ type: 'message_delta', usage: none });
    expect(stream.result()).toEqual(before);
    const without = anthropicStream();
    without.add({ type: 'message_start', message: { id: 'msg_1', model: 'claude-opus-4-6', usage: undefined } });
    without.add({ type: 'message_delta', usage: null });
    expect(without.result()?.fault?.code).toBe('missing_field');
  });

  it('adds up to the total of its parts (property)', () => {
    const count = fc.nat(2 ** 30);
    fc.assert(
      fc.property(count, count, count, count, count, fc.boolean(), (input, output, read, short, long, told) => {
        const { tokens } = fromAnthropic(
          usage({
            input_tokens: input,
            output_tokens: output,
            cache_read_input_tokens: read,
            cache_creation_input_tokens: short + long,
            cache_creation: told ? { ephemeral_5m_input_tokens: short, ephemeral_1h_input_tokens: long } : null,
          }),
        );
        expect(tokens && totalTokens(tokens)).toBe(input + output + read + short + long);
      }),
    );
  });
});

describe("a message's iterations", () => {
  const message = (given: Iteration): Iteration => given;

  it('add compactions to the top-level counts, which leave them out', () => {
    // The example of Anthropic's page on compaction.
    const iterations: Iteration[] = [
      message({ type: 'compaction', ...counts(180_000, 3_500) }),
      message({ type: 'message', model: null, ...counts(23_000, 1_000) }),
    ];
    const given = betaUsage({ input_tokens: 23_000, output_tokens: 1_000, iterations });
    expect(fromAnthropic(given).tokens).toMatchObject({ input: 203_000, output: 4_500 });
  });

  it('add a compaction that stands alone', () => {
    const iterations: Iteration[] = [{ type: 'compaction', ...counts(180_000, 3_500, 7) }];
    const given = betaUsage({ input_tokens: 0, output_tokens: 0, iterations });
    expect(fromAnthropic(given).tokens).toMatchObject({ input: 180_000, output: 3_500, cache_read: 7 });
  });

  it('leave the advisor to an event of its own, and count the input of every sampling', () => {
    // The example of Anthropic's page on the advisor tool: the top-level input is that of the first sampling alone.
    const iterations: Iteration[] = [
      message({ type: 'message', model: null, ...counts(412, 89) }),
      message({ type: 'advisor_message', model: 'claude-opus-5', ...counts(823, 1_612) }),
      message({ type: 'message', model: null, ...counts(1_348, 442, 412) }),
    ];
    const whole = {
      id: 'msg_1',
      model: 'claude-sonnet-5',
      usage: betaUsage({ input_tokens: 412, output_tokens: 531, iterations }),
    };
    expect(fromAnthropic(whole)).toMatchObject({
      event_id: 'msg_1',
      model: 'claude-sonnet-5',
      tokens: { input: 1_760, cache_read: 412, output: 531 },
    });
    expect(fromAnthropicAdvisors(whole)).toMatchObject([
      { event_id: 'msg_1/advisor/0', model: 'claude-opus-5', tokens: { input: 823, output: 1_612 } },
    ]);
  });

  it('change nothing when they repeat the top level, and yield to it when they tell less', () => {
    for (const output of [50, 40]) {
      const iterations: Iteration[] = [{ type: 'message', model: null, ...counts(100, output) }];
      expect(fromAnthropic(betaUsage({ iterations })).tokens).toMatchObject({ input: 100, output: 50 });
    }
  });

  it('are refused when they contradict the top level, or are of a type that nobody knows', () => {
    const contradicting: Iteration[] = [{ type: 'message', model: null, ...counts(99, 51) }];
    expect(fromAnthropic(betaUsage({ iterations: contradicting })).fault?.code).toBe('usage_mismatch');
    const unknown = [{ type: 'tomorrow', ...counts(1, 1) } as unknown as Iteration];
    expect(fromAnthropic(betaUsage({ iterations: unknown })).fault?.code).toBe('usage_mismatch');
  });

  it('add up with the advisors to the sum over all of them (property)', () => {
    const type = fc.constantFrom('message', 'compaction', 'advisor_message', 'fallback_message');
    const entry = fc.record({ type, input: fc.nat(1e6), output: fc.nat(1e6), read: fc.nat(1e6) });
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 6 }), (entries) => {
        const iterations = entries.map((one) => ({
          type: one.type,
          model: 'm',
          ...counts(one.input, one.output, one.read),
        }));
        const sampled = entries.filter((one) => one.type === 'message' || one.type === 'fallback_message');
        const top = sampled[0];
        const whole = {
          id: 'msg',
          model: 'm',
          usage: betaUsage({
            input_tokens: top?.input ?? 0,
            cache_read_input_tokens: top?.read ?? 0,
            output_tokens: sampled.reduce((sum, one) => sum + one.output, 0),
            iterations,
          }),
        };
        const total = [fromAnthropic(whole), ...fromAnthropicAdvisors(whole)].reduce(
          (sum, { tokens }) => sum + (tokens === undefined ? Number.NaN : totalTokens(tokens)),
          0,
        );
        expect(total).toBe(entries.reduce((sum, one) => sum + one.input + one.output + one.read, 0));
      }),
    );
  });
});

describe('a stream', () => {
  const start = (given: Partial<Usage>): Anthropic.Messages.RawMessageStartEvent => ({
    type: 'message_start',
    message: {
      id: 'msg_2',
      type: 'message',
      role: 'assistant',
      model: 'claude-sonnet-5',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      stop_details: null,
      container: null,
      diagnostics: null,
      usage: usage(given),
    },
  });
  const delta = (given: Partial<Anthropic.Messages.MessageDeltaUsage>): Anthropic.Messages.RawMessageDeltaEvent => ({
    type: 'message_delta',
    delta: { stop_reason: 'end_turn', stop_sequence: null, stop_details: null, container: null },
    usage: {
      output_tokens: 0,
      input_tokens: null,
      cache_creation_input_tokens: null,
      cache_read_input_tokens: null,
      output_tokens_details: null,
      server_tool_use: null,
      ...given,
    },
  });

  it('takes the last cumulative counts and never adds them to the first', () => {
    const stream = anthropicStream();
    expect(stream.result()).toBeUndefined();
    const cache_creation = { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 0 };
    stream.add(
      start({ output_tokens: 3, cache_read_input_tokens: 5, cache_creation, cache_creation_input_tokens: 10 }),
    );
    const stop: Anthropic.Messages.RawContentBlockStopEvent = { type: 'content_block_stop', index: 0 };
    stream.add(stop);
    stream.add(delta({ output_tokens: 40 }));
    stream.add(delta({ output_tokens: 90, input_tokens: 150, cache_creation_input_tokens: 12 }));
    expect(stream.result()).toEqual({
      event_id: 'msg_2',
      model: 'claude-sonnet-5',
      provider: 'anthropic',
      tokens: {
        input: 150,
        cache_read: 5,
        cache_write_5m: 10,
        cache_write_1h: 0,
        cache_write: 2,
        output: 90,
        reasoning: 0,
      },
    });
  });

  it('that broke off counts what was told until then', () => {
    const stream = anthropicStream();
    stream.add(start({ output_tokens: 1 }));
    expect(stream.result()?.tokens).toMatchObject({ input: 100, output: 1 });
  });
});
