import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { erasedRows, readClosures, rollHours, rollIdOf, runAll, writeClosure, writeHeads } from '@laurel/clickhouse';
import { topics, type UsageRecorded } from '@laurel/events';
import { readToEnd, RecordProducer } from '@laurel/kafka';
import { eventually } from './pipeline/eventually.js';
import { HttpGate } from './pipeline/http-gate.js';
import { Pipeline } from './pipeline/pipeline.js';
import { usage } from './pipeline/usage.js';

const HOUR_SECONDS = 3600;
const DAY_MS = 86_400_000;
const LAUREL = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url));

interface Report {
  readonly exchanged: boolean;
  readonly before: { readonly events: number; readonly tokens: string };
  readonly after: { readonly events: number; readonly tokens: string };
  readonly records: {
    readonly rows: number;
    readonly dead: number;
    readonly erased: number;
    readonly refused: number;
  };
  readonly days: number;
}

describe('laurel rebuild', () => {
  let pipeline: Pipeline;
  let published: UsageRecorded[];
  let gate: HttpGate;

  beforeAll(async () => {
    pipeline = await Pipeline.create(['usage-ingest', 'usage-projector']);
    gate = await HttpGate.open(String(pipeline.environment['LAUREL_CLICKHOUSE_URL']));
    published = [];
    await publish(history());
    await pipeline.publish([usage({ event_id: 'gone', user_id: 'u-erased', tokens: { input: 1 } })]);
    await pipeline.settled();
    await pipeline.laurel('forget', 'u-erased', '--yes');
  });
  afterAll(async () => {
    gate.close();
    await pipeline.close();
  });

  async function publish(events: readonly UsageRecorded[]): Promise<void> {
    published.push(...events);
    await pipeline.publish(events);
  }

  /** Five days with an open hour, revised here and there, by three people. */
  const history = (): UsageRecorded[] =>
    Array.from({ length: 400 }, (_, index) =>
      usage({
        event_id: `e-${index % 380}`,
        revision: index < 380 ? 0 : 1,
        user_id: `u-${(index % 380) % 3}`,
        session_id: `s-${index % 7}`,
        occurred_at: anchor - (index % 5) * DAY_MS - (index % 380) * 60_000,
        tokens: { input: 1000 + index, output: index },
      }),
    );
  const anchor = Date.now() - 1000;

  /** What the tables must say, from what was published. */
  function expected(): Record<string, string> {
    const latest = new Map<string, UsageRecorded>();
    for (const event of published) {
      const known = latest.get(event.event_id);
      if (known === undefined || known.revision < event.revision) latest.set(event.event_id, event);
    }
    const kept = [...latest.values()];
    return {
      events: String(kept.length),
      tokens: String(kept.reduce((sum, { tokens }) => sum + tokens.input + tokens.output, 0)),
    };
  }

  async function expectExact(): Promise<void> {
    let seen: unknown;
    await eventually(
      'the figures to be those of the log',
      async () => {
        const rows = await Promise.all(
          ['usage', 'usage_by_day', 'model_usage_by_day'].map(async (view) => {
            const [row] = await pipeline.rows<Record<string, string>>(
              `SELECT sum(events) AS events, sum(input_tokens + output_tokens) AS tokens FROM ${view}`,
            );
            return row;
          }),
        );
        const [log] = await pipeline.rows<Record<string, string>>(
          'SELECT count() AS events, sum(input_tokens + output_tokens) AS tokens FROM usage_events FINAL',
        );
        seen = [...rows, log];
        return [...rows, log].every((row) => JSON.stringify(row) === JSON.stringify(expected()));
      },
      { timeoutMs: 30_000, describe: () => ({ seen, expected: expected() }) },
    );
    const left = await pipeline.rows(
      "SELECT name FROM system.databases WHERE name = concat(currentDatabase(), '_rebuild')",
    );
    expect(left).toEqual([]);
  }

  const rebuild = async (...args: string[]): Promise<Report> =>
    JSON.parse(await pipeline.laurel('rebuild', '--yes', '--json', ...args)) as Report;

  /** Runs it from Kafka to the first answer to such a statement, does something, and lets it go on to its end. */
  async function rebuildStoppedAt(query: string, work: () => Promise<void>): Promise<string> {
    const held = gate.holdNext((passage) => passage.includes(query));
    const child = spawn(process.execPath, [LAUREL, 'rebuild', '--from', 'kafka', '--yes'], {
      env: { ...process.env, ...pipeline.environment, LAUREL_CLICKHOUSE_URL: gate.url },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const ended = once(child, 'exit');
    try {
      const release = await Promise.race([
        held,
        ended.then(([status]) => Promise.reject(new Error(`ended with ${String(status)}: ${errors}`))),
      ]);
      await work();
      release();
      await ended;
      return errors;
    } finally {
      child.kill('SIGKILL');
    }
  }

  async function sumsOfUsage(): Promise<unknown> {
    const [row] = await pipeline.rows(
      'SELECT sum(events) AS events, sum(input_tokens + output_tokens) AS tokens FROM usage',
    );
    return row;
  }

  /** Rows that were never in the log, and rows of it that are missing, in table and projections. */
  async function spoil(): Promise<void> {
    const delay = { clickhouse_settings: { mutations_sync: '2' as const } };
    const command = (query: string) => pipeline.clickhouse.command({ query, ...delay });
    await command("ALTER TABLE usage_events DELETE WHERE event_id LIKE '%7'");
    await command(`INSERT INTO usage_events (occurred_at, user_id, source, event_id, version, input_tokens, status, origin)
      SELECT now() - 86400, 'u-0', 'nobody', 'never', 1, 1000000, 'ok', 'main'`);
    await command("ALTER TABLE usage_by_hour DELETE WHERE user_id = 'u-1'");
    await command("ALTER TABLE usage_by_day_user DELETE WHERE user_id = 'u-2'");
    await command("ALTER TABLE roll_heads DELETE WHERE grain = 'hour' AND toHour(bucket) % 2 = 0");
  }

  it('makes everything from Kafka anew while events go on to come, and exchanges it', async () => {
    await spoil();
    await pipeline.clickhouse.command({ query: 'TRUNCATE TABLE ingest_ledger' });
    const stop = new AbortController();
    const traffic = (async () => {
      for (let n = 0; !stop.signal.aborted; n += 1) {
        await sleep(20);
        await publish([
          usage({ event_id: `live-${n}`, occurred_at: Date.now() - (n % 3) * DAY_MS, tokens: { input: 3 } }),
        ]);
      }
    })();
    const report = await rebuild('--from', 'kafka');
    stop.abort();
    await traffic;
    expect(report.exchanged).toBe(true);
    expect(report.records).toMatchObject({ dead: 0, erased: 1 });
    expect(report.days).toBeGreaterThanOrEqual(4);
    await expectExact();
    // The ledger has every offset again.
    await pipeline.ingested();
    const [ledger] = await pipeline.rows<{ first: string; partitions: string }>(
      'SELECT max(first) AS first, count() AS partitions FROM (SELECT partition, min(from_offset) AS first FROM ingest_ledger GROUP BY partition)',
    );
    expect(ledger?.first).toBe('0');
    expect(await pipeline.rows("SELECT 1 FROM usage_events WHERE user_id = 'u-erased'")).toEqual([]);
    // What comes afterwards is counted as ever.
    await publish([usage({ event_id: 'after', occurred_at: Date.now() - 2 * DAY_MS, tokens: { input: 11 } })]);
    await expectExact();
  });

  it('makes the projections from usage_events alone, and mends what is wrong with them', async () => {
    const command = (query: string) => pipeline.clickhouse.command({ query });
    await command('TRUNCATE TABLE usage_by_hour');
    await command('TRUNCATE TABLE usage_by_day_model');
    await command('TRUNCATE TABLE roll_heads');
    const report = await rebuild('--from', 'events');
    expect(report).toMatchObject({ exchanged: true, records: { rows: 0 } });
    await expectExact();
  });

  it('says what would come of it, and changes nothing, when it is only tried', async () => {
    await pipeline.clickhouse.command({
      query: "ALTER TABLE usage_events DELETE WHERE event_id = 'e-8' SETTINGS mutations_sync = 2",
    });
    const report = await rebuild('--from', 'kafka', '--dry-run');
    expect(report.exchanged).toBe(false);
    expect(report.after.events - report.before.events).toBe(1);
    expect(await pipeline.rows("SELECT 1 FROM usage_events WHERE event_id = 'e-8'")).toEqual([]);
    await rebuild('--from', 'kafka');
    await expectExact();
  });

  it.each([
    ['before the exchange', 'INSERT INTO `'],
    ['after the exchange, before anything else', 'EXCHANGE TABLES'],
    ['after the heads', 'INSERT INTO roll_heads'],
  ])('is ended by the next one when it is killed %s', async (_, query) => {
    await spoil();
    const held = gate.holdNext((passage) => passage.includes(query));
    const child = spawn(process.execPath, [LAUREL, 'rebuild', '--from', 'kafka', '--yes'], {
      env: { ...process.env, ...pipeline.environment, LAUREL_CLICKHOUSE_URL: gate.url },
      stdio: 'ignore',
    });
    await Promise.race([
      held,
      once(child, 'exit').then(([status]) => Promise.reject(new Error(`ended with ${String(status)}`))),
    ]);
    // It lands in whichever table is the log at this moment.
    await publish([usage({ event_id: `between-${query}`, occurred_at: Date.now() - DAY_MS, tokens: { input: 7 } })]);
    await pipeline.ingested();
    child.kill('SIGKILL');
    await once(child, 'exit');
    await rebuild('--from', 'kafka');
    await expectExact();
  });

  it('leaves the figures of an hour alone that is closed while it runs', async () => {
    await pipeline.settled();
    let whenPublished: unknown;
    const errors = await rebuildStoppedAt('INSERT INTO `', async () => {
      // As usage-projector does it, knowing of no announcement that the rebuild doesn't know of. Shortly after an hour two are open.
      const rollId = rollIdOf(0, Date.now(), 1);
      const open = (await readClosures(pipeline.clickhouse)).hour;
      for (let hour = open; hour < Date.now() / 1000; hour += HOUR_SECONDS) {
        await runAll(pipeline.clickhouse, rollHours([hour], rollId));
        await writeHeads(pipeline.clickhouse, 'hour', [hour], rollId);
        await writeClosure(pipeline.clickhouse, 'hour', hour + HOUR_SECONDS);
      }
      const published = gate.holdNext((passage) => passage.includes('INSERT INTO roll_heads'));
      void published.then(async (release) => {
        whenPublished = await sumsOfUsage();
        release();
      });
    });
    expect(errors).toBe('');
    expect(whenPublished).toEqual(expected());
    await expectExact();
  });

  it('does not bring back a person who is erased while it runs', async () => {
    const events = [0, 1, 2].map((ago) =>
      usage({ event_id: `later-${ago}`, user_id: 'u-later', occurred_at: Date.now() - ago * DAY_MS }),
    );
    await pipeline.publish(events);
    await pipeline.settled();
    const errors = await rebuildStoppedAt('INSERT INTO `', async () => {
      await pipeline.laurel('forget', 'u-later', '--yes');
    });
    expect(errors).toBe('');
    expect(await erasedRows(pipeline.clickhouse)).toEqual([]);
    await expectExact();
  });

  it('tells of records that it would refuse and the tables hold, and lets nothing of them vanish', async () => {
    const producer = new RecordProducer(pipeline.kafka, pipeline.prefix);
    await producer.connect();
    await producer.send(topics.usageEvents.name, [{ key: 'u-0', value: Buffer.from('garbage') }]);
    await producer.close();
    await pipeline.ingested();
    const letters = async (): Promise<number> => {
      let count = 0;
      await readToEnd(pipeline.kafka, {
        topic: pipeline.topic(topics.deadLetters.name),
        groupPrefix: pipeline.prefix,
        onRecord: () => {
          count += 1;
        },
      });
      return count;
    };
    expect(await letters()).toBe(1);
    const [dead] = await pipeline.rows<{ partition: number; offset: string }>(
      'SELECT partition, to_offset AS offset FROM ingest_ledger WHERE dead = 1',
    );
    // As if an earlier version had taken it.
    await pipeline.clickhouse.command({
      query: `INSERT INTO usage_events (occurred_at, user_id, source, event_id, version, input_tokens, status, origin, kafka_topic, kafka_partition, kafka_offset)
        SELECT now() - 86400, 'u-0', 'before', 'taken', 1, 5, 'ok', 'main', {topic:String}, {partition:UInt32}, {offset:UInt64}`,
      query_params: { topic: pipeline.topic(topics.usageEvents.name), ...dead },
    });
    await expect(rebuild('--from', 'kafka')).rejects.toThrow('and it is refused now: unknown_framing');
    expect((await rebuild('--from', 'kafka', '--dry-run')).records).toMatchObject({ dead: 1, refused: 1 });
    expect(await pipeline.rows("SELECT 1 FROM usage_events WHERE event_id = 'taken'")).not.toEqual([]);
    expect(await letters()).toBe(1);
    expect((await rebuild('--from', 'kafka', '--accept-refused')).records).toMatchObject({ dead: 1, refused: 1 });
    expect(await letters()).toBe(2);
    await expectExact();
  });

  it('leaves no figures of the former log when it is killed and only tried again', async () => {
    await spoil();
    const held = gate.holdNext((passage) => passage.includes('EXCHANGE TABLES'));
    const child = spawn(process.execPath, [LAUREL, 'rebuild', '--from', 'kafka', '--yes'], {
      env: { ...process.env, ...pipeline.environment, LAUREL_CLICKHOUSE_URL: gate.url },
      stdio: 'ignore',
    });
    await held;
    child.kill('SIGKILL');
    await once(child, 'exit');
    await rebuild('--from', 'kafka', '--dry-run');
    await expectExact();
  });

  it('stops where Kafka deletes what it is reading', async () => {
    const errors = await rebuildStoppedAt('CREATE DATABASE', async () => {
      const admin = pipeline.kafka.admin();
      await admin.connect();
      try {
        const ends = await admin.fetchTopicOffsets(pipeline.topic(topics.usageEvents.name));
        const first = ends.find(({ high }) => Number(high) > 1);
        await admin.deleteTopicRecords({
          topic: pipeline.topic(topics.usageEvents.name),
          partitions: [{ partition: first?.partition ?? 0, offset: '1' }],
        });
      } finally {
        await admin.disconnect();
      }
    });
    expect(errors).toContain('since Kafka deleted records of it while it was read');
    await expectExact();
  });

  it('refuses where Kafka has lost what the tables hold, and says what can be done', async () => {
    await expect(rebuild('--from', 'kafka')).rejects.toThrow('begins at 1, but the tables hold records from 0 on');
    await rebuild('--from', 'events');
    await expectExact();
  });
});
