import type { TokenCounts } from '@laurel/events';
import {
  badCount,
  mapped,
  mismatch,
  noUsage,
  type FaultyUsage,
  type MappedUsage,
  type OptionalCount,
} from './mapped.js';

/** Cache writes by the lifetime of their entries; together they are `cache_creation_input_tokens`. */
export interface AnthropicCacheCreation {
  readonly ephemeral_5m_input_tokens?: OptionalCount;
  readonly ephemeral_1h_input_tokens?: OptionalCount;
}

/** The counts that a message's usage and each of its iterations have in common. */
export interface AnthropicCounts {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_input_tokens?: OptionalCount;
  readonly cache_creation_input_tokens?: OptionalCount;
  readonly cache_creation?: AnthropicCacheCreation | null | undefined;
}

/** One entry of `usage.iterations`. */
export interface AnthropicIteration extends AnthropicCounts {
  readonly type: string;
  readonly model?: string | null | undefined;
}

/** `usage` of Anthropic's Messages API, as far as it is read. */
export interface AnthropicUsage extends AnthropicCounts {
  readonly output_tokens_details?: { readonly thinking_tokens?: OptionalCount } | null | undefined;
  readonly iterations?: readonly AnthropicIteration[] | null | undefined;
}

/** A message, as `messages.create` or a stream's `finalMessage()` gives it. */
export interface AnthropicMessage {
  readonly id: string;
  readonly model: string;
  /** Some compatible servers leave it out. */
  readonly usage: AnthropicUsage | null | undefined;
}

/** What a message tells beside its tokens. */
export interface AnthropicDetails {
  readonly event_id: string;
  readonly model: string;
}

const ANTHROPIC = 'anthropic';

/**
 * Maps a message (with its id and model) or only its `usage`.
 *
 * `input_tokens` leave the cache out; cache writes are told apart by lifetime, and what the breakdown doesn't cover is
 * `cache_write`; thinking is a part of the output.
 *
 * With `usage.iterations` the counts are those of all the iterations of the message's own model: `compaction` entries lie
 * outside the top-level counts, and with several sampling iterations the top-level input is that of the first alone.
 * `advisor_message` entries are another model's: `fromAnthropicAdvisors` gives them as events of their own.
 * Source: Anthropic's pages on compaction ("sum across all entries in the usage.iterations array") and on the advisor
 * tool ("Usage and billing").
 *
 * Faults: `usage_mismatch` when the writes by lifetime exceed `cache_creation_input_tokens`, when iterations and
 * top-level counts contradict each other, or when an iteration is of a type that isn't known here.
 */
export function fromAnthropic(message: AnthropicMessage): AnthropicDetails & MappedUsage;
export function fromAnthropic(usage: AnthropicUsage | null | undefined): MappedUsage;
export function fromAnthropic(
  from: AnthropicMessage | AnthropicUsage | null | undefined,
): MappedUsage | (AnthropicDetails & MappedUsage) {
  if (from === null || from === undefined) return noUsage(ANTHROPIC);
  if (!('usage' in from)) return mapUsage(from);
  return { event_id: from.id, model: from.model, ...fromAnthropic(from.usage) };
}

/**
 * The calls of other models that a message caused (the advisor tool), each as an event of its own with an id derived
 * from the message's. Usually none.
 */
export function fromAnthropicAdvisors(message: AnthropicMessage): (AnthropicDetails & MappedUsage)[] {
  const advisors = (message.usage?.iterations ?? []).filter((iteration) => iteration.type === 'advisor_message');
  return advisors.map((iteration, at) => {
    const tokens = classesOf(iteration);
    return {
      event_id: `${message.id}/advisor/${at}`,
      model: iteration.model ?? message.model,
      ...('fault' in tokens ? tokens : mapped(ANTHROPIC, tokens)),
    };
  });
}

type Classes = Omit<TokenCounts, 'reasoning'>;

function mapUsage(usage: AnthropicUsage): MappedUsage {
  const top = classesOf(usage);
  if ('fault' in top) return top;
  const thinking = usage.output_tokens_details?.thinking_tokens;
  const bad = badCount(ANTHROPIC, { thinking_tokens: thinking }, []);
  if (bad !== undefined) return bad;
  if ((thinking ?? 0) > usage.output_tokens) {
    return mismatch(ANTHROPIC, `thinking_tokens ${thinking ?? 0} exceed output_tokens ${usage.output_tokens}`);
  }
  const all = withIterations(top, usage.iterations ?? []);
  return 'fault' in all ? all : mapped(ANTHROPIC, { ...all, reasoning: thinking ?? 0 });
}

function withIterations(top: Classes, iterations: readonly AnthropicIteration[]): Classes | FaultyUsage {
  let sampled: Classes | undefined;
  let compacted: Classes | undefined;
  for (const iteration of iterations) {
    const counts = classesOf(iteration);
    if ('fault' in counts) return counts;
    switch (iteration.type) {
      case 'message':
      case 'fallback_message':
        sampled = sum(sampled, counts);
        break;
      case 'compaction':
        compacted = sum(compacted, counts);
        break;
      case 'advisor_message':
        break;
      default:
        return mismatch(ANTHROPIC, `an iteration is of the unknown type ${iteration.type}`);
    }
  }
  if (sampled === undefined) return sum(compacted, top);
  const fewer = CHECKED.filter((part) => part(sampled) < part(top));
  // Entries may leave out what the top level has, or have what it leaves out; not both at once.
  if (fewer.length === 0) return sum(compacted, sampled);
  if (CHECKED.every((part) => part(sampled) <= part(top))) return sum(compacted, top);
  return mismatch(ANTHROPIC, 'the iterations and the top-level counts each hold tokens that the other lacks');
}

/** Cache writes count as one, as an iteration may lack the breakdown by lifetime. */
const CHECKED: readonly ((counts: Classes) => number)[] = [
  (counts) => counts.input,
  (counts) => counts.cache_read,
  (counts) => counts.cache_write_5m + counts.cache_write_1h + counts.cache_write,
  (counts) => counts.output,
];

function classesOf(counts: AnthropicCounts): Classes | FaultyUsage {
  const { ephemeral_5m_input_tokens: fiveMinutes, ephemeral_1h_input_tokens: oneHour } = counts.cache_creation ?? {};
  const bad = badCount(
    ANTHROPIC,
    {
      input_tokens: counts.input_tokens,
      output_tokens: counts.output_tokens,
      cache_read_input_tokens: counts.cache_read_input_tokens,
      cache_creation_input_tokens: counts.cache_creation_input_tokens,
      ephemeral_5m_input_tokens: fiveMinutes,
      ephemeral_1h_input_tokens: oneHour,
    },
    ['input_tokens', 'output_tokens'],
  );
  if (bad !== undefined) return bad;
  const known = (fiveMinutes ?? 0) + (oneHour ?? 0);
  const written = counts.cache_creation_input_tokens ?? known;
  if (known > written) {
    return mismatch(ANTHROPIC, `cache writes by lifetime, ${known}, exceed cache_creation_input_tokens ${written}`);
  }
  return {
    input: counts.input_tokens,
    cache_read: counts.cache_read_input_tokens ?? 0,
    cache_write_5m: fiveMinutes ?? 0,
    cache_write_1h: oneHour ?? 0,
    cache_write: written - known,
    output: counts.output_tokens,
  };
}

const sum = (a: Classes | undefined, b: Classes): Classes =>
  a === undefined
    ? b
    : {
        input: a.input + b.input,
        cache_read: a.cache_read + b.cache_read,
        cache_write_5m: a.cache_write_5m + b.cache_write_5m,
        cache_write_1h: a.cache_write_1h + b.cache_write_1h,
        cache_write: a.cache_write + b.cache_write,
        output: a.output + b.output,
      };
