import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@laurel/clickhouse';
import {
  awardEvent,
  noTokens,
  titleRules,
  topics,
  usageRecorded,
  type TokenCounts,
  type UsageRecorded,
} from '@laurel/events';
import { RecordProducer } from '@laurel/kafka';
import { builtInRules, publishedRules, titleRuleSchema } from '@laurel/titles';
import { ServiceProcess, type ServiceName } from '../../pipeline/service-process.js';
import type { BenchStack } from '../bench-stack.js';
import { benchEvents } from '../events.js';
import { Filler } from '../fill.js';
import { setUp } from '../ingest/laurel.js';
import { CpuMeter, type Cost } from '../processes.js';

const PROBE_EVERY_MS = 250;
/** How exactly a latency is known; asking more often would be a load of its own. */
const LOOK_EVERY_MS = 150;
const AWARD_EVERY_MS = 6_000;
const TICK_MS = 50;
/** Before anything counts, in ms: a hot JIT, and the figures of a first open minute. */
const WARM_UP_MS = 20_000;
const WAIT_AT_MOST_MS = 60_000;

/** A class of tokens that the load has none of, so that a title can change hands with each award that is waited for. */
const CHALLENGED = 'cache_write_1h';
const CHALLENGE = titleRuleSchema.parse({
  id: 'challenge',
  name: 'Challenge',
  description: 'Beside Laurel’s own titles.',
  version: 1,
  metric: { kind: 'capped_tokens', classes: [CHALLENGED] },
});

export interface FreshnessRun {
  /** Events a second that are published besides the probes. */
  readonly rate: number;
  readonly seconds: number;
  /** From the publisher's acknowledgement until the view `usage` shows the event's own figure, in ms. */
  readonly visibleMs: readonly number[];
  /** From the publisher's acknowledgement until a subscriber has the award that follows, in ms. */
  readonly awardMs: readonly number[];
  /** Of usage-ingest and ClickHouse, while nothing else ran. */
  readonly ingest: Cost;
  /** Of usage-ingest, usage-projector and ClickHouse, while nobody read. */
  readonly projecting: Cost;
}

/**
 * Publishes at a steady rate: to usage-ingest alone, so that what usage-projector costs can be told from what it costs to have the
 * events in the table; then to both; then it watches some events on their way to a figure and to an award.
 *
 * @param seconds of each of the three.
 */
export async function benchFreshness(
  stack: BenchStack,
  { rate, seconds }: { readonly rate: number; readonly seconds: number },
): Promise<FreshnessRun> {
  return stack.inDatabase('freshness_run', async (client) => {
    const prefix = `freshness-${rate}-${Date.now()}.`;
    const environment = stack.environment(prefix, 'freshness_run');
    await setUp(environment);
    const services: ServiceProcess[] = [];
    const begin = async (name: ServiceName): Promise<void> => {
      services.push(await ServiceProcess.start(name, environment));
      await sleep(WARM_UP_MS);
    };
    const cost = async (): Promise<Cost> => {
      const pids = services.map(({ name, pid }) => [name, pid] as const);
      const meter = new CpuMeter({ clickhouse: stack.pids.clickhouse, ...Object.fromEntries(pids) });
      await sleep(seconds * 1000);
      return meter.stop();
    };
    const stop = new AbortController();
    const producer = new RecordProducer(stack.kafka, prefix);
    await producer.connect();
    const rules = titleRules.encode(publishedRules([...builtInRules, CHALLENGE], Date.now()));
    await producer.send(topics.titleRules.name, [{ key: 'titles', value: rules }]);
    const load = publishSteadily(stack, prefix + topics.usageEvents.name, rate, stop.signal);
    try {
      await begin('usage-ingest');
      const ingest = await cost();
      await begin('usage-projector');
      const projecting = await cost();
      await begin('title-awarder');
      const [visibleMs, awardMs] = await Promise.all([
        watchFigures(client, producer, seconds),
        watchAwards(stack, prefix, producer, seconds),
      ]);
      return { rate, seconds, visibleMs, awardMs, ingest, projecting };
    } finally {
      stop.abort();
      await load;
      await producer.close();
      await Promise.all(services.map((service) => service.end('SIGTERM')));
    }
  });
}

async function publishSteadily(stack: BenchStack, topic: string, rate: number, signal: AbortSignal): Promise<void> {
  const filler = Filler.start(stack.brokers, topic);
  const began = performance.now();
  const shape = { events: Number.MAX_SAFE_INTEGER, people: 20_000, fromMs: 0, toMs: 0, seed: rate };
  const events = benchEvents(shape);
  let sent = 0;
  while (!signal.aborted) {
    const due = Math.floor(((performance.now() - began) / 1000) * rate) - sent;
    const nowMs = Date.now();
    await filler.write(
      Array.from({ length: due }, () => {
        const { value } = events.next() as IteratorYieldResult<UsageRecorded>;
        return { key: value.user_id, value: usageRecorded.encode({ ...value, occurred_at: nowMs }) };
      }),
    );
    sent += due;
    await sleep(TICK_MS);
  }
  await filler.end();
}

/** Resolves to when the broker had acknowledged it, by `performance.now()`. */
async function publish(producer: RecordProducer, userId: string, tokens: Partial<TokenCounts>): Promise<number> {
  const event: UsageRecorded = {
    event_id: `probe-${userId}`,
    source: 'bench',
    revision: 0,
    retracted: false,
    occurred_at: Date.now(),
    user_id: userId,
    team: null,
    session_id: null,
    provider: 'anthropic',
    model: 'claude-sonnet-4-6',
    tokens: { ...noTokens, ...tokens },
    cost_micro_usd: null,
    status: 'ok',
    origin: 'main',
    attributes: {},
  };
  await producer.send(topics.usageEvents.name, [{ key: userId, value: usageRecorded.encode(event) }]);
  return performance.now();
}

async function watchFigures(
  client: ClickHouseClient,
  producer: RecordProducer,
  seconds: number,
): Promise<readonly number[]> {
  const waiting = new Map<string, number>();
  const latencies: number[] = [];
  const until = performance.now() + seconds * 1000;
  const publishing = (async () => {
    for (let probe = 0; performance.now() < until; probe += 1) {
      const userId = `probe-${probe}`;
      waiting.set(userId, await publish(producer, userId, { input: 1000 + probe }));
      await sleep(PROBE_EVERY_MS);
    }
  })();
  while (performance.now() < until || waiting.size > 0) {
    if (performance.now() > until + WAIT_AT_MOST_MS) throw new Error(`${waiting.size} probes are not to be seen`);
    const asked = [...waiting.keys()];
    const result = await client.query({
      query: `SELECT user_id, sum(input_tokens) AS tokens FROM usage
        WHERE hour >= toStartOfHour(now('UTC')) - 3600 AND user_id IN {asked:Array(String)} GROUP BY user_id`,
      query_params: { asked },
      format: 'JSONEachRow',
    });
    const seenAt = performance.now();
    for (const { user_id, tokens } of await result.json<{ user_id: string; tokens: string }>()) {
      const acknowledged = waiting.get(user_id);
      if (acknowledged === undefined) continue;
      if (Number(tokens) !== 1000 + Number(user_id.slice('probe-'.length))) {
        throw new Error(`${user_id} has ${tokens} tokens`);
      }
      latencies.push(seenAt - acknowledged);
      waiting.delete(user_id);
    }
    await sleep(LOOK_EVERY_MS);
  }
  await publishing;
  return latencies;
}

/** Each challenger passes the last one by more than the margin. */
async function watchAwards(
  stack: BenchStack,
  prefix: string,
  producer: RecordProducer,
  seconds: number,
): Promise<readonly number[]> {
  const granted = new Map<string, number>();
  const consumer = stack.kafka.consumer({ groupId: `${prefix}watch-awards` });
  await consumer.connect();
  await consumer.subscribe({ topic: prefix + topics.titleAwards.name, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message: { value } }) => {
      const award = value === null ? undefined : awardEvent.decode(value);
      if (award?.title_id === CHALLENGE.id && award.type === 'title_awarded')
        granted.set(award.user_id, performance.now());
      return Promise.resolve();
    },
  });
  try {
    const latencies: number[] = [];
    const until = performance.now() + seconds * 1000;
    let tokens = 1000;
    for (let step = 0; performance.now() < until; step += 1) {
      const userId = `challenger-${step}`;
      tokens = Math.ceil(tokens * 1.05);
      const acknowledged = await publish(producer, userId, { [CHALLENGED]: tokens });
      const giveUp = performance.now() + WAIT_AT_MOST_MS;
      while (!granted.has(userId)) {
        if (performance.now() > giveUp) throw new Error(`${userId} was not awarded`);
        await sleep(20);
      }
      latencies.push((granted.get(userId) ?? NaN) - acknowledged);
      await sleep(Math.max(0, AWARD_EVERY_MS - (performance.now() - acknowledged)));
    }
    return latencies;
  } finally {
    await consumer.disconnect();
  }
}
