import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { awardEvent, topics, type AwardEvent } from '@laurel/events';
import { RecordProducer } from '@laurel/kafka';
import { awardIdOf, generatedHandle } from '@laurel/titles';
import { Webhook } from 'standardwebhooks';
import { eventually } from './pipeline/eventually.js';
import { Pipeline } from './pipeline/pipeline.js';
import type { ServiceProcess } from './pipeline/service-process.js';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

interface Request {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Somebody else's endpoint: what it was sent, and what it acknowledged. */
class Endpoint {
  readonly requests: Request[] = [];
  readonly acknowledged: string[] = [];

  private constructor(
    readonly url: string,
    private readonly server: Server,
  ) {}

  /** @param statusFor may take its time. */
  static async open(statusFor: (id: string, count: number) => number | Promise<number>): Promise<Endpoint> {
    const server = createServer((request, response) => {
      void text(request).then(async (body) => {
        endpoint.requests.push({ headers: request.headers, body });
        const id = String(request.headers['webhook-id'] ?? body);
        const status = await statusFor(id, endpoint.requests.length);
        if (status < 300) endpoint.acknowledged.push(id);
        response.writeHead(status).end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = new Endpoint(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hunter2`, server);
    return endpoint;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

interface UndeliveredJson {
  readonly undelivered: readonly { readonly endpoint: string; readonly award_id: string; readonly code: string }[];
}

describe('the award notifier', () => {
  let pipeline: Pipeline;
  let producer: RecordProducer;
  let folder: string;
  const open: Endpoint[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'laurel-endpoints-'));
    pipeline = await Pipeline.create([]);
    producer = new RecordProducer(pipeline.kafka, pipeline.prefix);
    await producer.connect();
  });

  afterEach(async () => {
    for (const endpoint of open.splice(0)) endpoint.close();
    await producer.close();
    await pipeline.close();
    rmSync(folder, { recursive: true });
  });

  async function endpoint(statusFor: Parameters<typeof Endpoint.open>[0]): Promise<Endpoint> {
    const one = await Endpoint.open(statusFor);
    open.push(one);
    return one;
  }

  const webhook = (name: string, url: string) => ({
    name,
    format: 'standard-webhooks',
    url,
    since: '2026-01-01T00:00:00Z',
    secrets: [SECRET],
  });

  function start(endpoints: readonly object[], settings: NodeJS.ProcessEnv = {}): Promise<ServiceProcess> {
    const file = join(folder, 'endpoints.yaml');
    writeFileSync(file, JSON.stringify({ endpoints }));
    return pipeline.start('award-notifier', { LAUREL_NOTIFIER_ENDPOINTS_FILE: file, ...settings });
  }

  /** Writes awards of one title as the awarder does, and returns their ids. */
  async function award(count: number, title = 'token_legend', first = 0): Promise<readonly string[]> {
    const events = Array.from({ length: count }, (_, index): AwardEvent => {
      const ordinal = first + index;
      return {
        award_id: awardIdOf(title, 'company', ordinal),
        ordinal,
        type: ordinal % 2 === 0 ? 'title_awarded' : 'title_revoked',
        title_id: title,
        rule_version: 1,
        scope: 'company',
        user_id: 'u-ada',
        rank: 1,
        tier: null,
        remaining_tier: null,
        value: 1000,
        unit: 'tokens',
        runner_up: null,
        window_start: Date.parse('2026-04-15T00:00:00Z'),
        window_end: Date.parse('2026-05-15T00:00:00Z'),
        evaluated_at: Date.now(),
        previous_holder: null,
        revokes: null,
        reason: ordinal % 2 === 0 ? 'vacant' : 'not_eligible',
        evidence: {},
      };
    });
    const records = events.map((event) => ({ key: `${title}|company`, value: awardEvent.encode(event) }));
    await producer.send(topics.titleAwards.name, records);
    return events.map((event) => event.award_id);
  }

  const told = (one: Endpoint, count: number): Promise<true> =>
    eventually(`${count} awards to be acknowledged`, () => Promise.resolve(new Set(one.acknowledged).size >= count), {
      describe: () => one.acknowledged.length,
      timeoutMs: 60_000,
    });

  const undelivered = async (): Promise<UndeliveredJson['undelivered']> =>
    (JSON.parse(await pipeline.laurel('awards', 'undelivered', '--json')) as UndeliveredJson).undelivered;

  it('tells each endpoint every award in order, and lets none that is away delay the others', async () => {
    const wall = await endpoint(() => 204);
    const chat = await endpoint(() => 200);
    const away = await endpoint(() => 500);
    const ids = await award(10);
    const service = await start([
      webhook('wall', wall.url),
      { name: 'chat', format: 'slack', url: chat.url, since: '2026-01-01T00:00:00Z' },
      webhook('away', away.url),
    ]);
    const later = await award(10, 'cache_wizard');
    const all = [...ids, ...later];
    await told(wall, 20);
    await eventually('the chat to be told', () => Promise.resolve(chat.requests.length >= 20));
    expect(wall.acknowledged).toEqual(all);
    for (const { headers, body } of wall.requests)
      expect(new Webhook(SECRET).verify(body, headers as Record<string, string>)).toMatchObject({ user_id: 'u-ada' });
    const handle = generatedHandle('u-ada');
    expect(chat.requests.map(({ body }) => (JSON.parse(body) as { text: string }).text.split(':')[0])).toEqual(
      ['Token Legend', 'Cache Wizard'].flatMap((title) =>
        Array.from({ length: 10 }, (_, index) => `${handle} is ${index % 2 === 0 ? 'now' : 'no longer'} ${title}`),
      ),
    );
    // The one that is away was tried with the first only, and makes nothing else of the service.
    expect(new Set(away.requests.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([all[0]]));
    expect(await service.metric('laurel_oldest_undelivered_award_seconds', 'endpoint="away"')).toBeGreaterThan(0);
    expect(await service.metric('laurel_oldest_undelivered_award_seconds', 'endpoint="wall"')).toBe(0);
    expect(await service.metric('laurel_deliveries_total', 'endpoint="wall",outcome="acknowledged"')).toBe(20);
    expect((await fetch(`${service.url}/ready`)).status).toBe(200);
    const began = Date.now();
    await service.end('SIGTERM');
    expect(Date.now() - began).toBeLessThan(12_000);
    for (const word of ['hunter2', SECRET, SECRET.slice(6)]) expect(service.log()).not.toContain(word);
  });

  it('loses nothing and keeps the order when it is killed again and again', async () => {
    const AWARDS = 60;
    const wall = await endpoint(async (_, count) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return count % 7 === 0 ? 503 : 200;
    });
    const ids = await award(AWARDS);
    const kills = 3;
    for (let kill = 1; kill <= kills; kill += 1) {
      const service = await start([webhook('wall', wall.url)]);
      await told(wall, kill * 12);
      await service.end('SIGKILL');
    }
    await start([webhook('wall', wall.url)]);
    await told(wall, AWARDS);
    // Each comes once, but for those whose commit a kill prevented; they come again at once, before any later one.
    const distinct = wall.acknowledged.filter((id, index) => id !== wall.acknowledged[index - 1]);
    expect(distinct).toEqual(ids);
    expect(wall.acknowledged.length - AWARDS).toBeLessThanOrEqual(kills);
  });

  it('gives up what is refused and goes on, and delivers it once when it is asked for again', async () => {
    let isMended = false;
    let refused: readonly string[] = [];
    const wall = await endpoint((id) => (refused.includes(id) && !isMended ? 422 : 200));
    refused = [2, 4].map((ordinal) => awardIdOf('token_legend', 'company', ordinal));
    await start([webhook('wall', wall.url)]);
    await award(8);
    await told(wall, 6);
    const listed = (await undelivered()).map(({ endpoint: name, award_id, code }) => [name, award_id, code]);
    expect(listed).toEqual(refused.map((id) => ['wall', id, 'refused']));

    // What fails again is listed again.
    await pipeline.laurel('awards', 'redeliver', refused[0] ?? '', '--yes');
    await eventually('it to be refused again', () => Promise.resolve(wall.requests.length >= 9));
    await eventually('it to be listed again', async () => (await undelivered()).length === 2);

    isMended = true;
    const asked = await Promise.allSettled(
      [1, 2, 3].map(() => pipeline.laurel('awards', 'redeliver', '--all', '--yes', '--json')),
    );
    expect(asked.some(({ status }) => status === 'fulfilled')).toBe(true);
    await told(wall, 8);
    expect(await undelivered()).toEqual([]);
    // Nothing is left to be asked for, whoever asks.
    await expect(pipeline.laurel('awards', 'redeliver', '--endpoint', 'wall', '--yes')).rejects.toMatchObject({
      code: 2,
    });
    await award(1, 'cache_wizard');
    await told(wall, 9);
    expect(new Set(wall.acknowledged).size).toBe(wall.acknowledged.length);
    const bodies = wall.requests.filter(({ headers }) => headers['webhook-id'] === refused[0]).map(({ body }) => body);
    expect([bodies.length, new Set(bodies).size]).toEqual([3, 1]);
  });

  it('checks its file without any other process, and says what is wrong with it and not what is in it', () => {
    const program = fileURLToPath(new URL('../../award-notifier/dist/main.js', import.meta.url));
    const file = join(folder, 'endpoints.yaml');
    const validate = (endpoints: readonly object[]) => {
      writeFileSync(file, JSON.stringify({ endpoints }));
      const env = { LAUREL_NOTIFIER_ENDPOINTS_FILE: file, LAUREL_KAFKA_BROKERS: 'nowhere.invalid:1' };
      const { status, stdout, stderr } = spawnSync(process.execPath, [program, '--validate'], {
        env,
        encoding: 'utf8',
      });
      return { status, stdout, stderr };
    };
    const sound = webhook('wall', 'https://example.com/hunter2');
    expect(validate([sound])).toEqual({
      status: 0,
      stdout: 'award-notifier: the configuration is valid\n',
      stderr: '',
    });
    expect(validate([{ ...sound, url: 'hunter2', secrets: ['hunter2'] }])).toEqual({
      status: 78,
      stdout: '',
      stderr:
        'LAUREL_NOTIFIER_ENDPOINTS_FILE endpoints[0].url is not an http(s) URL without user and password\n' +
        'LAUREL_NOTIFIER_ENDPOINTS_FILE endpoints[0].secrets[0] is not whsec_ and the base64 of 24 to 64 bytes\n',
    });
  });

  it('gives up what is too old, and says so', async () => {
    const wall = await endpoint((_, count) => (count < 4 ? 500 : 200));
    await start([webhook('wall', wall.url)], { LAUREL_NOTIFIER_GIVE_UP_AFTER_MS: '300' });
    const [first] = await award(1);
    await eventually('it to be given up', async () => (await undelivered()).length === 1);
    expect(await undelivered()).toMatchObject([{ award_id: first, code: 'expired' }]);
  });

  it('sends nothing more to an endpoint that is gone, stays ready, and loses nothing', async () => {
    let isGone = true;
    const wall = await endpoint(() => (isGone ? 410 : 200));
    const other = await endpoint(() => 200);
    const endpoints = [webhook('wall', wall.url), webhook('other', other.url)];
    const service = await start(endpoints);
    const ids = await award(5);
    await told(other, 5);
    await eventually(
      'the endpoint to be held',
      async () => (await service.metric('laurel_endpoint_held', 'endpoint="wall"')) === 1,
    );
    const ready = await fetch(`${service.url}/ready`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      endpoints: [
        { name: 'wall', held: true },
        { name: 'other', held: false },
      ],
    });
    expect(wall.requests).toHaveLength(1);
    expect(service.log()).toContain('the endpoint is gone');
    await service.end('SIGTERM');
    isGone = false;
    await start(endpoints);
    await told(wall, 5);
    expect(wall.acknowledged).toEqual(ids);
    expect(other.acknowledged).toEqual(ids);
    expect(await undelivered()).toEqual([]);
  });
});
