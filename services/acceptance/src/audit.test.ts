import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { latestOutcomes } from '@laurel/clickhouse';
import { titleHolders, titleTier, topics, type UsageRecorded } from '@laurel/events';
import { RecordProducer } from '@laurel/kafka';
import { eventually } from './pipeline/eventually.js';
import { Pipeline } from './pipeline/pipeline.js';
import { usage } from './pipeline/usage.js';

const LAUREL = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url));

const count = z.int().nonnegative();
const check = z.enum(['erasures', 'ledger', 'identities', 'conflicts', 'heads', 'buckets', 'holders']);
/** As docs/operations/audit.md describes it. */
const auditDocument = z.strictObject({
  version: z.literal(1),
  began_at: z.iso.datetime(),
  ended_at: z.iso.datetime(),
  status: z.enum(['clean', 'findings', 'incomplete']),
  checks: z.array(
    z.strictObject({
      name: check,
      compared: z.string(),
      counts: z.record(z.string(), count),
      as_of: z.string(),
      heal: z.boolean(),
      findings: count,
      healed: count,
      warnings: count,
      notes: z.array(z.string()),
      incomplete: z.string().nullable(),
      took_ms: count,
    }),
  ),
  findings: z.array(
    z.strictObject({
      check,
      code: z.string(),
      severity: z.enum(['error', 'warning']),
      at: z.string().min(1),
      message: z.string().min(1),
      observed_at: z.iso.datetime(),
      as_of: z.string().min(1),
      healable: z.boolean(),
      healed: z.boolean(),
    }),
  ),
  findings_left_out: count,
  information: z
    .strictObject({
      ledger: z.strictObject({ rows: count, dead: count, erased: count }),
      identities: count.nullable(),
      duplicates_absorbed: count.nullable(),
      groups: z.array(z.strictObject({ group: z.string(), topic: z.string(), behind: count.nullable() })),
    })
    .nullable(),
});
type AuditDocument = z.infer<typeof auditDocument>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW = Date.now();
/** In closed hours of closed days, and in open minutes. */
const TIMES = [NOW - 3 * DAY_MS, NOW - 2 * DAY_MS, NOW - 2 * DAY_MS + HOUR_MS, NOW - 5 * DAY_MS, NOW];

describe('laurel audit', () => {
  let pipeline: Pipeline;
  let serial = 0;

  const event = (fields: Parameters<typeof usage>[0] = {}): UsageRecorded => {
    serial += 1;
    return usage({
      event_id: `e-${serial}`,
      user_id: `u-${serial % 4}`,
      session_id: `s-${serial % 7}`,
      occurred_at: TIMES[serial % TIMES.length] ?? NOW,
      tokens: { input: serial, output: 2 * serial },
      ...fields,
    });
  };

  interface Outcome {
    readonly status: number;
    readonly document: AuditDocument;
    /** `check code` of each finding, in order. */
    readonly found: readonly string[];
  }

  function run(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<{ status: number; out: string }> {
    return new Promise((resolve, reject) => {
      const env = { ...process.env, ...pipeline.environment, ...environment };
      execFile(process.execPath, [LAUREL, 'audit', ...args], { env }, (error, out, err) => {
        const status = error === null ? 0 : error.code;
        if (typeof status === 'number' && err === '') resolve({ status, out });
        else reject(error ?? new Error(err));
      });
    });
  }

  async function audit(args: readonly string[] = [], environment: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    const { status, out } = await run(['--json', ...args], environment);
    const document = auditDocument.parse(JSON.parse(out));
    return { status, document, found: document.findings.map((one) => `${one.check} ${one.code}`) };
  }

  const clean = { status: 0, found: [], document: { status: 'clean' } };
  /** Finds exactly these, heals them, and then finds nothing. */
  async function findsAndHeals(found: readonly string[], args: readonly string[] = []): Promise<Outcome> {
    const first = await audit(args);
    expect(first).toMatchObject({ status: 1, found, document: { status: 'findings' } });
    expect(first.document.findings.some(({ healed }) => healed)).toBe(false);
    const second = await audit(['--heal', ...args]);
    expect(second).toMatchObject({ status: 0, found, document: { status: 'clean' } });
    expect(second.document.findings.every(({ healed }) => healed)).toBe(true);
    expect(await audit(args)).toMatchObject(clean);
    return first;
  }

  const sql = (query: string): Promise<unknown> =>
    pipeline.clickhouse.command({ query, clickhouse_settings: { mutations_sync: '2' } });
  const seconds = (ms: number, width: number): number => Math.floor(ms / 1000 / width) * width;
  const hour = (ms: number): string => `toDateTime(${seconds(ms, 3600)}, 'UTC')`;
  /** The greatest roll of a bucket. */
  const head = (grain: string, bucket: string): string =>
    `(SELECT max(roll_id) FROM roll_heads WHERE grain = '${grain}' AND bucket = ${bucket})`;
  const figures = (): Promise<unknown[]> =>
    pipeline.rows(`SELECT * FROM (SELECT user_id, sum(events), sum(input_tokens), sum(output_tokens) FROM usage GROUP BY user_id
      UNION ALL SELECT concat('day ', user_id), sum(events), sum(input_tokens), sum(output_tokens) FROM usage_by_day GROUP BY user_id
      UNION ALL SELECT concat('session ', session_id), sum(bitCount(active_minutes)), 0, 0 FROM session_activity GROUP BY session_id) ORDER BY user_id`);
  /** A minute with some people's events, whose hour is open: all of this takes long enough for that of its beginning to close. */
  async function openMinute(): Promise<string> {
    const now = Date.now();
    await pipeline.publish([1, 2, 3].map(() => event({ occurred_at: now })));
    await pipeline.settled();
    return `toDateTime(${seconds(now, 60)}, 'UTC')`;
  }
  /** Breaks something without changing what the figures should be, and returns what they should be. */
  async function breaking(...queries: readonly string[]): Promise<unknown[]> {
    await pipeline.settled();
    const before = await figures();
    for (const query of queries) await sql(query);
    return before;
  }

  const awards = (): Promise<number> => pipeline.service('title-awarder').metric('laurel_awards_total');
  const ticks = (): Promise<number> => pipeline.service('title-awarder').metric('laurel_title_ticks_total');

  beforeAll(async () => {
    pipeline = await Pipeline.create(['usage-ingest', 'usage-projector', 'title-awarder']);
    const first = Array.from({ length: 60 }, () => event());
    await pipeline.publish(first);
    await pipeline.publish(first.slice(0, 10));
    await pipeline.publish([
      { ...first[3], revision: 1, tokens: { ...first[3]?.tokens, input: 1_000_000 } } as UsageRecorded,
      { ...first[4], revision: 1, retracted: true } as UsageRecorded,
      { ...first[3] } as UsageRecorded,
      usage({ user_id: '' }),
    ]);
    await pipeline.settled();
    // It would judge all titles anew whenever a test breaks something.
    await eventually('awards', async () => (await awards()) > 0);
    await pipeline.service('title-awarder').end('SIGTERM');
  });
  afterAll(() => pipeline.close());

  it('finds nothing in a sound pipeline while traffic goes on', async () => {
    const stop = new AbortController();
    const traffic = (async () => {
      while (!stop.signal.aborted) {
        await pipeline.publish([event({ occurred_at: Date.now() })]);
        await sleep(300, undefined, { signal: stop.signal }).catch(() => undefined);
      }
    })();
    try {
      const outcome = await audit();
      expect(outcome).toMatchObject(clean);
      const { checks, information } = outcome.document;
      expect(checks.map(({ name }) => name)).toEqual(check.options);
      const compared = Object.fromEntries(checks.map(({ name, counts }) => [name, counts]));
      expect(compared['ledger']?.['offsets']).toBeGreaterThanOrEqual(74);
      expect(compared['identities']).toMatchObject({ refused: 1, missing: 0 });
      expect(compared['identities']?.['stored']).toBeGreaterThanOrEqual(73);
      expect(compared['buckets']?.['buckets']).toBeGreaterThanOrEqual(TIMES.length);
      expect(compared['holders']?.['awards']).toBeGreaterThan(0);
      expect(information?.duplicates_absorbed).toBeGreaterThanOrEqual(13);
      expect(information?.ledger.dead).toBe(1);
    } finally {
      stop.abort();
      await traffic;
    }
  });

  it('reads again what has no outcome in the ledger', async () => {
    const before = await breaking();
    const [entry] = await pipeline.rows<{ partition: number; from_offset: string; to_offset: string }>(
      'SELECT partition, from_offset, to_offset FROM ingest_ledger WHERE rows > 2 ORDER BY from_offset LIMIT 1',
    );
    if (entry === undefined) throw new Error('no entry');
    const { partition, from_offset: from, to_offset: to } = entry;
    const own = `BETWEEN ${from} AND ${to}`;
    await sql(
      `ALTER TABLE ingest_ledger DELETE WHERE partition = ${partition} AND from_offset <= ${to} AND to_offset >= ${from}`,
    );
    await sql(`ALTER TABLE usage_events DELETE WHERE kafka_partition = ${partition} AND kafka_offset ${own}`);
    // As if they had never come: the figures are made to follow.
    expect((await audit(['--heal', '--check', 'heads', 'buckets'])).status).toBe(0);
    expect(await figures()).not.toEqual(before);
    const { document } = await findsAndHeals(['ledger offsets_missing'], ['--sample', '0']);
    expect(document.findings[0]?.at).toContain(`/${partition} offsets `);
    await pipeline.settled();
    expect(await figures()).toEqual(before);
  });

  it('does not take markers and aborted records for losses', async () => {
    const producer = pipeline.kafka.producer({
      transactionalId: `${pipeline.prefix}test`,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({
      topic: pipeline.topic(topics.usageEvents.name),
      messages: [{ key: 'x', value: 'aborted', partition: 1 }],
    });
    await transaction.abort();
    await producer.disconnect();
    await pipeline.publish(Array.from({ length: 20 }, () => event()));
    await pipeline.settled();
    const outcome = await audit(['--check', 'ledger']);
    expect(outcome).toMatchObject(clean);
    expect(outcome.document.checks[0]?.counts['holes']).toBe(1);
  });

  it('reads a record again whose row is gone', async () => {
    const before = await breaking();
    const [row] = await pipeline.rows<{ id: string }>(
      'SELECT event_id AS id FROM usage_events FINAL WHERE NOT retracted ORDER BY event_id LIMIT 1',
    );
    await sql(`ALTER TABLE usage_events DELETE WHERE event_id = '${row?.id ?? ''}'`);
    expect((await audit(['--heal', '--check', 'heads', 'buckets'])).status).toBe(0);
    expect(await figures()).not.toEqual(before);
    const outcome = await audit(['--check', 'identities']);
    expect(outcome.status).toBe(1);
    expect(new Set(outcome.found)).toEqual(new Set(['identities row_missing']));
    expect(outcome.document.findings[0]?.message).toContain(row?.id);
    expect((await audit(['--heal', '--check', 'identities'])).status).toBe(0);
    await pipeline.settled();
    expect(await audit()).toMatchObject(clean);
    expect(await figures()).toEqual(before);
  });

  it('rolls a bucket again whose figures are not those of the log', async () => {
    const [a, b, c, d] = TIMES as [number, number, number, number, number];
    const sameRoll = (ms: number): string => `hour = ${hour(ms)} AND roll_id = ${head('hour', hour(ms))}`;
    const minute = await openMinute();
    const day = `toDateTime(${seconds(d, 86_400)}, 'UTC')`;
    const before = await breaking(
      // More tokens, somebody else's, fewer active minutes, a row less, and a day that is not its hours.
      `ALTER TABLE usage_by_hour UPDATE input_tokens = input_tokens + 1 WHERE ${sameRoll(a)}`,
      `INSERT INTO usage_by_hour SELECT * REPLACE ('u-mallory' AS user_id) FROM usage_by_hour WHERE ${sameRoll(b)}`,
      `ALTER TABLE usage_by_hour DELETE WHERE ${sameRoll(b)} AND user_id != 'u-mallory'`,
      `ALTER TABLE session_minutes UPDATE active_minutes = 0 WHERE ${sameRoll(c)}`,
      `ALTER TABLE usage_by_minute DELETE WHERE minute = ${minute} AND roll_id = ${head('minute', minute)}
         AND user_id = (SELECT min(user_id) FROM usage_by_minute WHERE minute = ${minute})`,
      `ALTER TABLE usage_by_day_user UPDATE events = events + 1 WHERE day = toDate(${day}) AND roll_id = ${head('day', day)}`,
    );
    const { document } = await findsAndHeals(
      Array.from({ length: 5 }, () => 'buckets figures_differ'),
      ['--check', 'heads', 'buckets'],
    );
    expect(document.findings.map(({ at }) => at.split(' ')[0]).sort()).toEqual([
      'day_user',
      'hour',
      'hour',
      'hour',
      'minute',
    ]);
    expect(await figures()).toEqual(before);
  });

  it('rolls a bucket again that has no head, or a head without its roll', async () => {
    const [a, b, , d] = TIMES as [number, number, number, number, number];
    const minute = await openMinute();
    const before = await breaking(
      `ALTER TABLE roll_heads DELETE WHERE grain = 'hour' AND bucket = ${hour(a)}`,
      `ALTER TABLE roll_heads DELETE WHERE grain = 'day' AND bucket = toDateTime(${seconds(d, 86_400)}, 'UTC')`,
      `ALTER TABLE usage_by_hour DELETE WHERE hour = ${hour(b)}`,
      `ALTER TABLE usage_by_minute DELETE WHERE minute = ${minute}`,
    );
    await findsAndHeals(
      ['heads head_missing', 'heads head_missing', 'heads roll_missing', 'heads roll_missing'],
      ['--check', 'heads', 'buckets'],
    );
    expect(await figures()).toEqual(before);
  });

  it('says nothing of figures that are still to be rolled', async () => {
    await pipeline.settled();
    await pipeline.service('usage-projector').end('SIGKILL');
    await pipeline.publish([event({ occurred_at: NOW - 3 * DAY_MS })]);
    await pipeline.ingested();
    const outcome = await audit(['--check', 'buckets', '--patience', '2']);
    expect(outcome).toMatchObject({ status: 2, found: [], document: { status: 'incomplete' } });
    expect(outcome.document.checks[0]?.incomplete).toContain('is the service running?');
    expect((await latestOutcomes(pipeline.clickhouse)).find((one) => one.check === 'buckets')?.finished).toBe(false);
    await pipeline.start('usage-projector');
    expect(await audit(['--check', 'buckets'])).toMatchObject(clean);
  });

  it('keeps what it came to, unless it was interrupted', async () => {
    await pipeline.settled();
    const { document } = await audit();
    const kept = await latestOutcomes(pipeline.clickhouse);
    expect(kept.map((one) => one.check).sort()).toEqual([...check.options].sort());
    const ended = { endedAtMs: Date.parse(document.ended_at), finished: true };
    for (const outcome of kept) expect(outcome).toMatchObject(ended);

    // It waits for figures that nobody rolls, once it has read the log.
    await pipeline.service('usage-projector').end('SIGKILL');
    await pipeline.publish([event({ occurred_at: NOW - 3 * DAY_MS })]);
    await pipeline.ingested();
    const env = { ...process.env, ...pipeline.environment };
    const interrupted = spawn(process.execPath, [LAUREL, 'audit', '--patience', '600'], { env, stdio: 'ignore' });
    const admin = pipeline.kafka.admin();
    await admin.connect();
    try {
      await eventually('the audit to read the log', async () =>
        (await admin.listGroups()).groups.some(({ groupId }) => groupId.startsWith(`${pipeline.prefix}laurel-audit-`)),
      );
    } finally {
      await admin.disconnect();
      interrupted.kill('SIGINT');
    }
    await once(interrupted, 'exit');
    expect(await latestOutcomes(pipeline.clickhouse)).toEqual(kept);
    await pipeline.start('usage-projector');
  });

  it('retracts all but the earliest of a conflicting identity, when it is named', async () => {
    await pipeline.settled();
    const id = { source: 'audit', event_id: 'twice' };
    const users = ['u-first', 'u-second', 'u-third'];
    await pipeline.publish(
      users.map((user_id, index) => event({ ...id, user_id, occurred_at: NOW - DAY_MS + index, tokens: { input: 7 } })),
    );
    await pipeline.settled();
    const kept = event({ ...id, user_id: 'u-first', occurred_at: NOW - DAY_MS, tokens: { input: 7 } });
    const general = await audit(['--heal']);
    expect(general).toMatchObject({ status: 1, found: ['conflicts identity_conflict'] });
    expect(general.document.findings[0]?.message).toMatch(/kept: u-first .*to be retracted: u-second .*; u-third /);
    await findsAndHeals(['conflicts identity_conflict'], ['--check', 'conflicts']);
    await pipeline.settled();

    expect(
      await pipeline.rows(
        "SELECT user_id, input_tokens FROM usage WHERE user_id IN ('u-first', 'u-second', 'u-third')",
      ),
    ).toEqual([{ user_id: kept.user_id, input_tokens: '7' }]);
  });

  it('writes the holders that are not the fold of the awards, and the awarder goes on', async () => {
    await pipeline.settled();
    await pipeline.start('title-awarder');
    await eventually('a look at all titles', async () => (await ticks()) >= 1);
    const producer = new RecordProducer(pipeline.kafka, pipeline.prefix);
    await producer.connect();
    const key = 'token_legend|company';
    const nobody = titleHolders.encode({
      title_id: 'token_legend',
      scope: 'company',
      rule_version: 1,
      holders: [],
      updated_at: 1,
    });
    await producer.send(topics.titleHolders.name, [
      { key, value: nobody },
      { key: 'no_title|company', value: nobody },
    ]);
    const tier = { title_id: 'token_legend', scope: 'company', user_id: 'u-nobody', tier: 'gold' };
    const value = titleTier.encode({ ...tier, rule_version: 1, value: 1, unit: 'tokens', since: 1, award_id: 'none' });
    await producer.send(topics.titleTiers.name, [
      { key: JSON.stringify(['token_legend', 'company', 'u-nobody']), value },
    ]);
    await producer.close();
    const { document } = await findsAndHeals([
      'holders holders_differ',
      'holders holders_differ',
      'holders tiers_differ',
    ]);
    expect(document.findings.map(({ at }) => at).sort()).toEqual(['no_title|company', key, key]);

    const before = await awards();
    const minutes = [0, 1, 2].map((minute) => NOW - minute * 60_000);
    await pipeline.publish(
      minutes.map((occurred_at) => event({ user_id: 'u-overtakes', occurred_at, tokens: { input: 1_000_000_000 } })),
    );
    await eventually('the awarder to award again', async () => (await awards()) > before);
    expect(await audit(['--check', 'holders'])).toMatchObject(clean);
  });

  it('deletes what came back of an erased person', async () => {
    await pipeline.publish([event({ user_id: 'u-eve' }), event({ user_id: 'u-eve', occurred_at: NOW })]);
    await pipeline.settled();
    await pipeline.laurel('forget', 'u-eve', '--yes');
    const before = await figures();
    await sql("INSERT INTO usage_events SELECT * REPLACE ('u-eve' AS user_id) FROM usage_events LIMIT 3");
    await sql(
      "INSERT INTO usage_by_day_user SELECT * REPLACE ('u-eve' AS user_id, 1 AS roll_id) FROM usage_by_day_user LIMIT 1",
    );
    await findsAndHeals(['erasures erased_rows_left', 'erasures erased_rows_left']);
    expect(await pipeline.rows("SELECT user_id FROM usage_events WHERE user_id = 'u-eve'")).toEqual([]);
    expect(await figures()).toEqual(before);
  });

  it('says in a table what it found, for a person', async () => {
    const minute = await openMinute();
    await breaking(`ALTER TABLE roll_heads DELETE WHERE grain = 'minute' AND bucket = ${minute}`);
    const { status, out } = await run(['--check', 'heads']);
    expect(status).toBe(1);
    expect(out).toMatch(/check .*compared .*findings .*healed .*left/);
    expect(out).toContain('heads: FOUND head_missing minute ');
    const healed = await run(['--check', 'heads', '--heal']);
    expect(healed).toMatchObject({
      status: 0,
      out: expect.stringContaining('All that was found is healed.') as string,
    });
  });

  it.each([
    ['Kafka', { LAUREL_KAFKA_BROKERS: '127.0.0.1:1' }],
    ['ClickHouse', { LAUREL_CLICKHOUSE_URL: 'http://127.0.0.1:1' }],
    ['the database', { LAUREL_CLICKHOUSE_DATABASE: 'no_such_database' }],
  ])('could not check when %s is away, and keeps nothing of it', async (_name, environment) => {
    const kept = await latestOutcomes(pipeline.clickhouse);
    const outcome = await audit(['--patience', '1'], environment);
    expect(outcome).toMatchObject({ status: 2, found: [], document: { status: 'incomplete' } });
    expect(outcome.document.checks.every(({ incomplete }) => incomplete !== null)).toBe(true);
    expect(await latestOutcomes(pipeline.clickhouse)).toEqual(kept);
  });

  it('reports hours that are closed before they are over', async () => {
    await sql("INSERT INTO closures SELECT 'hour', toStartOfHour(now() + 7200)");
    const outcome = await audit(['--check', 'heads']);
    expect(outcome.status).toBe(1);
    const [finding] = outcome.document.findings.filter(({ code }) => code === 'closed_in_future');
    expect(finding).toMatchObject({ check: 'heads', healable: false, healed: false });
  });

  it('tells of a record among the awards that is none, beside all else that it finds', async () => {
    const producer = new RecordProducer(pipeline.kafka, pipeline.prefix);
    await producer.connect();
    await producer.send(topics.titleAwards.name, [
      { key: 'token_legend|company', value: Buffer.from('{"not":"ours"}') },
    ]);
    await producer.close();
    const { status, found, document } = await audit(['--check', 'heads', 'holders', 'erasures']);
    expect(status).toBe(1);
    expect(found).toEqual(expect.arrayContaining(['heads closed_in_future', 'holders award_log_broken']));
    const broken = document.findings.find(({ code }) => code === 'award_log_broken');
    expect(broken?.at).toMatch(/^offset \d+$/);
    expect(document.checks.map(({ incomplete }) => incomplete)).toEqual([null, null, null]);
  });
});
