import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { noTokens, type UsageRecorded } from '@laurel/events';
import { Random } from '../chaos/random.js';

const TRACE = new URL('../../../cli/data/mooncake_conversation.jsonl.gz', import.meta.url);

const MODELS = [
  ['anthropic', 'claude-sonnet-4-6'],
  ['anthropic', 'claude-opus-4-6'],
  ['anthropic', 'claude-haiku-4-5'],
  ['openai', 'gpt-5.2'],
  ['openai', 'gpt-5.2-codex'],
  ['openai', 'gpt-5-mini'],
  ['google', 'gemini-3-pro'],
  ['google', 'gemini-3-flash'],
  ['mistral', 'devstral-2'],
  ['self-hosted', 'qwen3-coder-480b'],
] as const;
const REQUESTS_A_SESSION = 25;
const PEOPLE_A_TEAM = 40;

export interface Shape {
  readonly events: number;
  readonly people: number;
  /** Times lie evenly between these two, in ms since the epoch, and ascend. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly seed: number;
}

/**
 * Events of a realistic shape: counts of tokens of real requests (the recording that the demo carries), few people with much use
 * and many with little, sessions of some 25 requests, an attribute. The same shape gives the same events.
 */
export function* benchEvents({ events, people, fromMs, toMs, seed }: Shape): Generator<UsageRecorded, void> {
  const requests = gunzipSync(readFileSync(TRACE))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly input_length: number; readonly output_length: number });
  const random = Random.of(seed);
  const session = new Map<number, number>();
  for (let index = 0; index < events; index += 1) {
    const request = requests[index % requests.length];
    if (request === undefined) throw new Error('the recording is empty');
    // Squared, so that a tenth of the people have nearly a third of the use.
    const person = Math.floor(people * random.next() ** 2);
    if (random.chance(1 / REQUESTS_A_SESSION) || !session.has(person)) session.set(person, index);
    const [provider, model] = MODELS[(person + (random.chance(0.2) ? 1 : 0)) % MODELS.length] ?? MODELS[0];
    const read = Math.floor(request.input_length * random.next());
    const written = Math.floor((request.input_length - read) * random.next());
    yield {
      event_id: `req_${seed.toString(36)}${hex(random)}${hex(random)}${index.toString(36)}`,
      source: 'assistant',
      revision: 0,
      retracted: false,
      occurred_at: Math.floor(fromMs + ((toMs - fromMs) * index) / events),
      user_id: `u-${person.toString(36).padStart(5, '0')}`,
      team: `team-${Math.floor(person / PEOPLE_A_TEAM)}`,
      session_id: `s-${person.toString(36)}-${(session.get(person) ?? 0).toString(36)}`,
      provider,
      model,
      tokens: {
        ...noTokens,
        input: request.input_length - read - written,
        cache_read: read,
        [provider === 'anthropic' ? 'cache_write_5m' : 'cache_write']: written,
        output: request.output_length,
      },
      cost_micro_usd: null,
      status: random.chance(0.02) ? 'error' : 'ok',
      origin: random.chance(0.1) ? 'subagent' : 'main',
      attributes: { client: 'assistant/2.3.1' },
    };
  }
}

const hex = (random: Random): string =>
  random
    .below(2 ** 32)
    .toString(16)
    .padStart(8, '0');

/** The documented JSON form, as tight as a tool would write it: what is absent or 0 is left out. */
export function compactJson(event: UsageRecorded): string {
  const { tokens, revision, retracted, occurred_at, ...rest } = event;
  const present = Object.entries(rest).filter(([, value]) => value !== null);
  return JSON.stringify({
    ...Object.fromEntries(present),
    ...(revision === 0 ? {} : { revision }),
    ...(retracted ? { retracted } : {}),
    occurred_at: new Date(occurred_at).toISOString(),
    tokens: Object.fromEntries(Object.entries(tokens).filter(([, count]) => count > 0)),
  });
}
