import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { CloudEvent, Kafka as CloudEventsKafka } from 'cloudevents';
import { topics, usageRecorded, USAGE_EVENT_TYPE, type UsageRecorded } from '@laurel/events';
import { Pipeline } from './pipeline/pipeline.js';
import { toJson, usage } from './pipeline/usage.js';

/** A registry in its smallest form, for the real client on the other side to register with. */
async function startRegistry(): Promise<{ url: string; lookUps: () => number; server: Server }> {
  const schemas: string[] = [];
  let lookUps = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.setHeader('content-type', 'application/vnd.schemaregistry.v1+json');
      const byId = /^\/schemas\/ids\/(\d+)/.exec(request.url ?? '');
      if (byId !== null) {
        lookUps += 1;
        const schema = schemas[Number(byId[1]) - 1];
        response.statusCode = schema === undefined ? 404 : 200;
        response.end(JSON.stringify(schema === undefined ? { error_code: 40403 } : { schema }));
      } else if (request.method === 'POST') {
        const { schema } = JSON.parse(Buffer.concat(chunks).toString()) as { schema: string };
        schemas.push(schema);
        response.end(JSON.stringify({ id: schemas.length }));
      } else if (request.url?.startsWith('/config') === true) {
        response.end(JSON.stringify({ compatibilityLevel: 'BACKWARD' }));
      } else {
        response.statusCode = 404;
        response.end(JSON.stringify({ error_code: 40401, message: 'Subject not found.' }));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, lookUps: () => lookUps, server };
}

describe('all framings mixed in one partition', () => {
  let pipeline: Pipeline;
  let registry: Awaited<ReturnType<typeof startRegistry>>;
  const userOf = {
    avro: 'u-avro',
    json: 'u-json',
    structured: 'u-structured',
    binary: 'u-binary',
    confluent: 'u-confluent',
  };
  const content = {
    session_id: 's-1',
    team: 'platform',
    cost_micro_usd: 1200,
    attributes: { b: 'ö', a: '1' },
    tokens: { input: 3, cache_read: 5, output: 7, reasoning: 2 },
  };
  const EACH = 40;

  const event = (framing: keyof typeof userOf, serial: number): UsageRecorded =>
    usage({
      ...content,
      event_id: `e-${serial}`,
      user_id: userOf[framing],
      occurred_at: Date.UTC(2026, 9, 1, 12, serial),
    });

  beforeAll(async () => {
    registry = await startRegistry();
    pipeline = await Pipeline.create(['usage-ingest', 'usage-projector'], { LAUREL_SCHEMA_REGISTRY_URL: registry.url });
    const client = new SchemaRegistry({ host: registry.url });
    const schema = usageRecorded.type.schema({ exportAttrs: true });
    const { id } = await client.register(
      { type: SchemaType.AVRO, schema: JSON.stringify(schema) },
      { subject: 'usage.events.v1-value' },
    );

    const cloudEvent = (one: UsageRecorded): CloudEvent<unknown> => {
      const { event_id, source, occurred_at, ...data } = one;
      return new CloudEvent({
        id: event_id,
        source,
        type: USAGE_EVENT_TYPE,
        time: new Date(occurred_at).toISOString(),
        datacontenttype: 'application/json',
        data,
      });
    };
    const fromSdk = (message: { headers: unknown; value: unknown; body?: unknown }) => ({
      headers: Object.fromEntries(
        Object.entries(message.headers as Record<string, unknown>).map(([name, value]) => [name, String(value)]),
      ),
      value: typeof message.value === 'string' ? message.value : JSON.stringify(message.value),
    });
    const messages = [];
    for (let serial = 0; serial < EACH; serial += 1) {
      messages.push(
        { value: usageRecorded.encode(event('avro', serial)) },
        { value: toJson(event('json', serial)), headers: { 'content-type': 'application/json' } },
        fromSdk(CloudEventsKafka.structured(cloudEvent(event('structured', serial)))),
        fromSdk(CloudEventsKafka.binary(cloudEvent(event('binary', serial)))),
        { value: await client.encode(id, event('confluent', serial)) },
      );
    }
    const producer = pipeline.kafka.producer();
    await producer.connect();
    await producer.send({
      topic: pipeline.topic(topics.usageEvents.name),
      messages: messages.map((message) => ({ ...message, key: 'k', partition: 2 })),
    });
    await producer.disconnect();
    await pipeline.settled();
  });

  afterAll(async () => {
    await pipeline.close();
    registry.server.close();
  });

  it('makes the same row of every framing', async () => {
    const rows = await pipeline.rows<{ user_id: string; events: string; content: string }>(`
      SELECT user_id, count() AS events, groupUniqArray((source, team, session_id, provider, model, input_tokens, cache_read_tokens, output_tokens, reasoning_tokens, cost_micro_usd, status, origin, arraySort(mapKeys(attributes)), attributes['b'])) AS content
      FROM usage_events FINAL GROUP BY user_id ORDER BY user_id`);
    expect(rows.map(({ user_id, events }) => [user_id, Number(events)])).toEqual(
      Object.values(userOf)
        .sort()
        .map((user) => [user, EACH]),
    );
    expect(new Set(rows.map((row) => JSON.stringify(row.content))).size).toBe(1);
    expect(rows[0]?.content).toHaveLength(1);
  });

  it('asks the registry once for a schema, and dead-letters nothing', async () => {
    expect(registry.lookUps()).toBe(1);
    expect(await pipeline.service('usage-ingest').metric('laurel_dead_letters_total')).toBe(0);
  });

  it('takes the same event in another framing for the same event', async () => {
    const one = event('avro', 0);
    const producer = pipeline.kafka.producer();
    await producer.connect();
    await producer.send({
      topic: pipeline.topic(topics.usageEvents.name),
      messages: [{ key: 'k', value: toJson(one) }],
    });
    await producer.disconnect();
    await pipeline.settled();
    const rows = await pipeline.rows(
      "SELECT sum(events) AS events, sum(input_tokens) AS input FROM usage WHERE user_id = 'u-avro'",
    );
    expect(rows).toEqual([{ events: String(EACH), input: String(EACH * 3) }]);
    expect(
      await pipeline.rows(
        `SELECT uniqExact(version) AS versions FROM usage_events WHERE event_id = 'e-0' AND user_id = 'u-avro'`,
      ),
    ).toEqual([{ versions: '1' }]);
  });
});
