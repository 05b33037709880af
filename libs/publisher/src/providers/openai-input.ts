import type { TokenCounts } from '@laurel/events';
import { badCount, mapped, mismatch, type MappedUsage, type OptionalCount } from './mapped.js';

/** OpenAI's two APIs count alike and differ in names; these are the names of neither. */
interface OpenAICounts {
  readonly input: OptionalCount;
  readonly cached: OptionalCount;
  readonly cacheWrite: OptionalCount;
  readonly output: OptionalCount;
  readonly reasoning: OptionalCount;
  readonly total: OptionalCount;
}

export const OPENAI = 'openai';

/**
 * Cached tokens and cache writes are disjoint parts of the input, reasoning is a part of the output, and the total is
 * input plus output. Source: OpenAI's prompt caching guide, whose example has 2 600 input tokens: 2 000 read from the
 * cache, 400 written to it, 200 neither.
 *
 * How long a written entry lives is not told, so writes are `cache_write`.
 */
export function mapOpenAI(counts: OpenAICounts, names: Readonly<Record<'input' | 'output', string>>): MappedUsage {
  const bad = badCount(
    OPENAI,
    {
      [names.input]: counts.input,
      [names.output]: counts.output,
      cached_tokens: counts.cached,
      cache_write_tokens: counts.cacheWrite,
      reasoning_tokens: counts.reasoning,
      total_tokens: counts.total,
    },
    [names.input, names.output],
  );
  if (bad !== undefined) return bad;
  const whole = counts.input ?? 0;
  const output = counts.output ?? 0;
  const cache_read = counts.cached ?? 0;
  const cache_write = counts.cacheWrite ?? 0;
  const reasoning = counts.reasoning ?? 0;
  const input = whole - cache_read - cache_write;
  if (input < 0) {
    return mismatch(
      OPENAI,
      `cached_tokens ${cache_read} and cache_write_tokens ${cache_write} exceed ${names.input} ${whole}`,
    );
  }
  if (reasoning > output) {
    return mismatch(OPENAI, `reasoning_tokens ${reasoning} exceed ${names.output} ${output}`);
  }
  if (typeof counts.total === 'number' && counts.total !== whole + output) {
    return mismatch(
      OPENAI,
      `total_tokens ${counts.total} is not ${names.input} ${whole} plus ${names.output} ${output}`,
    );
  }
  return mapped(OPENAI, { input, cache_read, cache_write, output, reasoning } satisfies Partial<TokenCounts>);
}
