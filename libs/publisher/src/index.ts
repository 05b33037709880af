export { createPublisher } from './create-publisher.js';
export {
  PublisherError,
  type PublisherErrorCode,
  type UndeliveredOutcome,
  type UndeliveredRecord,
  type UndeliveredUsage,
} from './errors.js';
export type { Compression } from './kafka-sink.js';
export type { OutcomeInput, OutcomeRetraction } from './outcome-input.js';
export type { PublisherKafka, PublisherOptions, TlsOptions } from './options.js';
export type { CloseReport, Publisher, PublisherStats, RecordResult } from './publisher-api.js';
export type { CountedUsage, Moment, Retraction, UsageDetails, UsageIdentity, UsageInput } from './usage-input.js';
export type { MappedUsage } from './providers/mapped.js';
export {
  fromAnthropic,
  fromAnthropicAdvisors,
  type AnthropicMessage,
  type AnthropicUsage,
} from './providers/anthropic.js';
export { anthropicStream, type AnthropicStreamEvent, type AnthropicStreamUsage } from './providers/anthropic-stream.js';
export { fromOpenAIChat, type OpenAIChatCompletion, type OpenAIChatUsage } from './providers/openai-chat.js';
export { fromOpenAIResponses, type OpenAIResponse, type OpenAIResponsesUsage } from './providers/openai-responses.js';
export { fromGemini, type GeminiResponse, type GeminiUsage } from './providers/gemini.js';
