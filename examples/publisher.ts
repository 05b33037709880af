/** Publishes model calls of three providers, and outcomes, with Laurel's SDK; see README.md for how to run it. */
import { parseArgs } from 'node:util';
import {
  createPublisher,
  fromAnthropic,
  fromGemini,
  fromOpenAIResponses,
  type PublisherError,
  type UsageInput,
} from '@laurel/publisher';

const USAGE = `Usage: node examples/dist/publisher.js [options]

  --brokers <host:port,…>  default: KAFKA_BROKERS, or localhost:9092
  --topic <name>           default: usage.events.v1
  --source <name>          the publishing tool; default: example-typescript
  --user <pseudonym>       default: example-user
  --count <n>              how many events to publish; default: 9
  --outcomes <n>           how many outcomes to publish after them; default: 0
  --outcomes-topic <name>  default: usage.outcomes.v1
  --help

Prints one line of JSON for each event and outcome: its identity.
`;

const { values: options } = parseArgs({
  options: {
    brokers: { type: 'string', default: process.env['KAFKA_BROKERS'] ?? 'localhost:9092' },
    topic: { type: 'string', default: 'usage.events.v1' },
    source: { type: 'string', default: 'example-typescript' },
    user: { type: 'string', default: 'example-user' },
    count: { type: 'string', default: '9' },
    outcomes: { type: 'string', default: '0' },
    'outcomes-topic': { type: 'string', default: 'usage.outcomes.v1' },
    help: { type: 'boolean', default: false },
  },
});

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const warn = (error: PublisherError): void => void process.stderr.write(`${error.code}: ${error.message}\n`);

/** What the three providers' clients return, as far as it is of use here. */
const calls: ((at: number) => UsageInput)[] = [
  (at) => {
    const message = {
      id: `msg_${options.source}_${at}_${Date.now()}`,
      model: 'claude-sonnet-5',
      usage: { input_tokens: 12, output_tokens: 300, cache_read_input_tokens: 9_000, cache_creation_input_tokens: 450 },
    };
    return { user_id: options.user, session_id: 'session-1', origin: 'main', ...fromAnthropic(message) };
  },
  (at) => {
    const response = {
      id: `resp_${options.source}_${at}_${Date.now()}`,
      model: 'gpt-6',
      created_at: Date.now() / 1000,
      usage: {
        input_tokens: 2_600,
        input_tokens_details: { cached_tokens: 2_000, cache_write_tokens: 400 },
        output_tokens: 300,
        output_tokens_details: { reasoning_tokens: 120 },
        total_tokens: 2_900,
      },
    };
    return { user_id: options.user, session_id: 'session-1', origin: 'main', ...fromOpenAIResponses(response) };
  },
  () => {
    const usageMetadata = {
      promptTokenCount: 151,
      toolUsePromptTokenCount: 18_329,
      candidatesTokenCount: 1_089,
      thoughtsTokenCount: 1_120,
      totalTokenCount: 20_689,
    };
    // Without an id of its own, the event gets one when it is recorded.
    return { user_id: options.user, model: 'gemini-3-flash', origin: 'subagent', ...fromGemini(usageMetadata) };
  },
];

async function main(): Promise<void> {
  const publisher = createPublisher({
    kafka: { brokers: options.brokers.split(',') },
    topic: options.topic,
    outcomesTopic: options['outcomes-topic'],
    source: options.source,
    onError: warn,
  });
  for (let at = 0; at < Number(options.count); at += 1) {
    // Only a tool that records faster than Kafka takes them ever waits here.
    if (publisher.full) await publisher.ready();
    const call = calls[at % calls.length];
    const result = call && publisher.record(call(at));
    if (result?.accepted) print(JSON.stringify(result.identity));
  }
  for (let at = 0; at < Number(options.outcomes); at += 1) {
    // Of a real commit its hash and its time: with them a second copy is recognised.
    const event_id = `${options.source}_commit_${at}_${Date.now()}`;
    const result = publisher.recordOutcome({ user_id: options.user, kind: 'commit', event_id });
    if (result.accepted) print(JSON.stringify(result.identity));
  }
  const { undelivered } = await publisher.close();
  if (undelivered.length > 0) process.exitCode = 1;
}

if (options.help) print(USAGE);
else await main();
