import { fromAnthropic, type AnthropicDetails, type AnthropicMessage, type AnthropicUsage } from './anthropic.js';
import type { MappedUsage } from './mapped.js';

/** The usage of a `message_delta`: its counts are of the whole message so far; null where there is nothing new. */
export type AnthropicDeltaUsage = { readonly [K in keyof AnthropicUsage]?: AnthropicUsage[K] | null };

/** An event of a Messages stream, as far as it is read; events of other types are passed by. */
export type AnthropicStreamEvent =
  | { readonly type: 'message_start'; readonly message: AnthropicMessage }
  | { readonly type: 'message_delta'; readonly usage: AnthropicDeltaUsage | null | undefined }
  | { readonly type: 'content_block_start' | 'content_block_delta' | 'content_block_stop' | 'message_stop' };

export interface AnthropicStreamUsage {
  add(event: AnthropicStreamEvent): void;
  /** The message so far, also when the stream broke off; undefined before `message_start`. */
  result(): (AnthropicDetails & MappedUsage) | undefined;
}

/**
 * Gathers the usage of a streamed message. Counts of `message_delta` are cumulative: each takes the place of the one
 * before and is never added to it. Source: Anthropic's page on streaming messages, "Event types".
 */
export function anthropicStream(): AnthropicStreamUsage {
  let message: AnthropicMessage | undefined;
  return {
    add(event) {
      if (event.type === 'message_start') message = event.message;
      if (event.type !== 'message_delta' || message === undefined) return;
      const told = Object.entries(event.usage ?? {}).filter(([, count]) => count !== null && count !== undefined);
      if (told.length === 0) return;
      message = { ...message, usage: { ...message.usage, ...Object.fromEntries(told) } as AnthropicUsage };
    },
    result: () => (message === undefined ? undefined : fromAnthropic(message)),
  };
}
