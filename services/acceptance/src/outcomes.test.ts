import { CloudEvent, Kafka as CloudEventsKafka } from 'cloudevents';
import { decodeOutcome, outcomeRecorded, OUTCOME_EVENT_TYPE, topics, type OutcomeRecorded } from '@laurel/events';
import { dayKey, deduplicateOutcomes, outcomesByDay } from '@laurel/usage';
import { eventually } from './pipeline/eventually.js';
import { HttpGate } from './pipeline/http-gate.js';
import { Pipeline } from './pipeline/pipeline.js';
import { outcome, usage } from './pipeline/usage.js';

const DAY_MS = 86_400_000;
const NOW = Date.now();
const KINDS = ['commit', 'pull_request_merged', 'edit_accepted', 'edit_rejected', 'lines_accepted'] as const;

/** Of the last days and of the running one, some of them twice. */
function traffic(name: string, count: number): OutcomeRecorded[] {
  const events = Array.from({ length: count }, (_, index) =>
    outcome({
      event_id: `${name}-${index}`,
      user_id: `u-${index % 7}`,
      team: index % 4 === 0 ? 'payments' : null,
      kind: KINDS[index % KINDS.length] ?? 'commit',
      quantity: index % 9,
      occurred_at: index % 3 === 0 ? NOW - (index % 40) * DAY_MS - index * 1000 : NOW - index,
    }),
  );
  return [...events, ...events.filter((_, index) => index % 10 === 0)];
}

describe('outcomes, from the topic to the view', () => {
  let pipeline: Pipeline;
  let gate: HttpGate;
  const published: OutcomeRecorded[] = [];

  const publish = async (events: readonly OutcomeRecorded[]): Promise<void> => {
    published.push(...events);
    await pipeline.publishOutcomes(events);
  };

  /** The view has what the reference model makes of all that was published. */
  async function expectExact(): Promise<void> {
    await pipeline.settled();
    const events = published.map((event) => {
      const decoded = decodeOutcome(
        { value: outcomeRecorded.encode(event), headers: {}, timestampMs: Date.now() },
        { byRegistryId: () => 'unknown' },
      );
      if (!decoded.ok) throw new Error('an outcome of this test is not valid');
      return decoded.value;
    });
    const expected = outcomesByDay(deduplicateOutcomes(events)).map((one) =>
      [dayKey(one.day), one.userId, one.team ?? '', one.kind, one.events, one.quantity].join(' '),
    );
    const rows = await pipeline.rows<Record<string, string>>(
      'SELECT toString(day) AS day, user_id, team, kind, events, quantity FROM outcomes',
    );
    expect(rows.map((row) => Object.values(row).join(' ')).sort()).toEqual(expected.sort());
  }

  beforeAll(async () => {
    gate = await HttpGate.open(process.env['LAUREL_TEST_CLICKHOUSE_URL'] ?? '');
    pipeline = await Pipeline.create([]);
    await pipeline.start('usage-ingest', { LAUREL_CLICKHOUSE_URL: gate.url });
    await pipeline.start('usage-projector', { LAUREL_CLICKHOUSE_URL: gate.url });
    // Merges would collapse the copies whose presence shows that records were redelivered.
    await pipeline.clickhouse.command({ query: 'SYSTEM STOP MERGES outcome_events' });
  });

  afterAll(async () => {
    await pipeline.close();
    gate.close();
  });

  it('count once in whatever framing and however often they come, late ones on their own day', async () => {
    const events = traffic('first', 200);
    await publish(events);
    const [one, late] = [
      outcome({ event_id: 'framed', quantity: 5 }),
      outcome({ event_id: 'late', occurred_at: NOW - 33 * DAY_MS }),
    ];
    published.push(one, late);
    const { event_id: id, source, occurred_at, ...data } = one;
    const cloudEvent = new CloudEvent({
      ...{ id, source, type: OUTCOME_EVENT_TYPE, datacontenttype: 'application/json', data },
      time: new Date(occurred_at).toISOString(),
    });
    const message = (sdk: unknown): { headers: Record<string, string>; value: string } => {
      const { headers, value } = sdk as { headers: Record<string, unknown>; value: unknown };
      return {
        headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)])),
        value: typeof value === 'string' ? value : JSON.stringify(value),
      };
    };
    const producer = pipeline.kafka.producer();
    await producer.connect();
    await producer.send({
      topic: pipeline.topic(topics.usageOutcomes.name),
      messages: [
        { value: JSON.stringify(one) },
        { value: JSON.stringify({ ...one, occurred_at: new Date(occurred_at).toISOString() }) },
        message(CloudEventsKafka.structured(cloudEvent)),
        message(CloudEventsKafka.binary(cloudEvent)),
        { value: JSON.stringify(late) },
      ],
    });
    await producer.disconnect();
    await expectExact();
    expect(await pipeline.service('usage-ingest').metric('laurel_dead_letters_total')).toBe(0);
    expect(await pipeline.rows("SELECT uniqExact(version) AS n FROM outcome_events WHERE event_id = 'framed'")).toEqual(
      [{ n: '1' }],
    );
  });

  it('follow revisions and retractions, whatever comes first', async () => {
    const [revised, retracted, restored] = [0, 1, 2].map((index) =>
      outcome({ event_id: `changed-${index}`, quantity: 10 }),
    ) as [OutcomeRecorded, OutcomeRecorded, OutcomeRecorded];
    await publish([revised, { ...retracted, revision: 1, retracted: true }, { ...restored, revision: 2, quantity: 4 }]);
    await expectExact();
    await publish([
      { ...revised, revision: 1, quantity: 3, kind: 'edit_accepted' },
      retracted,
      { ...restored, revision: 1, retracted: true },
    ]);
    await expectExact();
  });

  it.each([
    ['its rows are in the table and it does not know', 'INSERT INTO outcome_events'],
    ['all is written but the commit', 'INSERT INTO ingest_ledger'],
  ])('stay exact when usage-ingest dies while %s', async (step, query) => {
    const held = gate.holdNext((passage) => passage.includes(query));
    await publish(traffic(`ingest-${step}`, 150));
    await held;
    await pipeline.service('usage-ingest').end('SIGKILL');
    await pipeline.start('usage-ingest', { LAUREL_CLICKHOUSE_URL: gate.url });
    await expectExact();
    // Offsets that are in the table twice were delivered twice.
    const [row] = await pipeline.rows<{ n: string }>(
      'SELECT count() AS n FROM (SELECT kafka_partition, kafka_offset FROM outcome_events GROUP BY kafka_partition, kafka_offset HAVING count() > 1)',
    );
    expect(Number(row?.n)).toBeGreaterThan(0);
  });

  it.each([
    ['a roll is written and has no head', 'INSERT INTO outcomes_by_day'],
    ['the head is written and nothing is committed', 'INSERT INTO roll_heads'],
  ])('stay exact when usage-projector dies while %s', async (step, query) => {
    const held = gate.holdNext((passage) => passage.includes(query));
    await publish(traffic(`projector-${step}`, 100));
    await held;
    await pipeline.service('usage-projector').end('SIGKILL');
    await pipeline.start('usage-projector', { LAUREL_CLICKHOUSE_URL: gate.url });
    await expectExact();
  });

  it('that are not valid are dead letters, and are sent again after a fix', async () => {
    const producer = pipeline.kafka.producer();
    await producer.connect();
    // From the near future: valid later, as the new record’s own time is then nearer to it.
    const early = outcome({ event_id: 'early', occurred_at: Date.now() + DAY_MS + 4000 });
    await producer.send({
      topic: pipeline.topic(topics.usageOutcomes.name),
      messages: [
        { key: 'u-ada', value: JSON.stringify({ ...early, kind: 'release' }) },
        { key: 'u-ada', value: JSON.stringify(early) },
      ],
    });
    await producer.disconnect();
    await pipeline.ingested();
    const list = JSON.parse(
      await pipeline.laurel('dead-letters', 'list', '--json', '--topic', topics.usageOutcomes.name, '--limit', '9'),
    ) as { letters: { place: string; code: string; field: string }[] };
    const codes = new Map(list.letters.map(({ code, field, place }) => [code, { field, place }]));
    expect([...codes.keys()].sort()).toEqual(['time_out_of_range', 'wrong_type']);
    expect(codes.get('wrong_type')?.field).toBe('kind');
    const place = codes.get('time_out_of_range')?.place ?? '';
    expect(place).toContain('usage.outcomes.v1/');
    expect(await pipeline.laurel('dead-letters', 'show', place)).toContain('"event_id": "early"');
    await eventually('its time to be near enough', () => Promise.resolve(early.occurred_at - Date.now() < DAY_MS));
    await pipeline.laurel('dead-letters', 'redrive', '--yes', place);
    published.push(early);
    await expectExact();
  });

  it('are told of by the audit where they are lost, and healed', async () => {
    const sql = (query: string): Promise<unknown> =>
      pipeline.clickhouse.command({ query, clickhouse_settings: { mutations_sync: '2' } });
    const audit = async (
      ...args: string[]
    ): Promise<{ status: string; findings: { check: string; code: string; at: string }[] }> =>
      JSON.parse(
        await pipeline
          .laurel('audit', '--json', ...args)
          .catch((error: unknown) => (error as { readonly stdout: string }).stdout),
      ) as never;
    // They would hold the statements up that take rows away.
    await sql('SYSTEM START MERGES outcome_events');
    await expectExact();
    expect(await audit()).toMatchObject({ status: 'clean', findings: [] });
    await sql(
      `ALTER TABLE outcomes_by_day UPDATE quantity = quantity + 1 WHERE day = '${dayKey(Math.floor(NOW / DAY_MS) as never)}'`,
    );
    await sql(
      `ALTER TABLE roll_heads DELETE WHERE grain = 'outcome_day' AND bucket = toStartOfDay(toDateTime(${Math.floor(NOW / 1000) - 3 * 86_400}, 'UTC'))`,
    );
    const found = await audit('--check', 'heads', 'buckets');
    expect(found.findings.map(({ code, at }) => [code, at.split(' ')[0]]).sort()).toEqual([
      ['figures_differ', 'outcomes'],
      ['head_missing', 'outcomes'],
    ]);
    expect(await audit('--heal', '--check', 'heads', 'buckets')).toMatchObject({ status: 'clean' });
    await expectExact();

    const [entry] = await pipeline.rows<{ topic: string; partition: number; from: string; to: string }>(
      `SELECT topic, partition, from_offset AS from, to_offset AS to FROM ingest_ledger WHERE topic LIKE '%outcomes.v1' AND rows > 2 LIMIT 1`,
    );
    if (entry === undefined) throw new Error('no entry');
    await sql(
      `ALTER TABLE ingest_ledger DELETE WHERE topic = '${entry.topic}' AND partition = ${entry.partition} AND from_offset <= ${entry.to} AND to_offset >= ${entry.from}`,
    );
    await sql(
      `ALTER TABLE outcome_events DELETE WHERE kafka_partition = ${entry.partition} AND kafka_offset BETWEEN ${entry.from} AND ${entry.to}`,
    );
    const lost = await audit('--check', 'ledger', 'identities');
    expect(new Set(lost.findings.map(({ code }) => code))).toEqual(new Set(['offsets_missing', 'row_missing']));
    expect(await audit('--heal', '--check', 'ledger', 'identities')).toMatchObject({ status: 'clean' });
    await expectExact();
  });

  it('that claim one id for two people are retracted but for the earliest, when that is asked for', async () => {
    const twice = ['u-0', 'u-1'].map((user_id, index) =>
      outcome({ event_id: 'twice', source: 'forge', user_id, occurred_at: NOW - DAY_MS + index }),
    ) as [OutcomeRecorded, OutcomeRecorded];
    await publish(twice);
    await pipeline.settled();
    const healed = JSON.parse(await pipeline.laurel('audit', '--json', '--heal', '--check', 'conflicts')) as {
      findings: { code: string; healed: boolean }[];
    };
    expect(healed.findings).toMatchObject([{ code: 'identity_conflict', healed: true }]);
    published.push({ ...twice[1], revision: 1, retracted: true });
    await expectExact();
  });

  it('are made anew by a rebuild, from the log in Kafka and from their table', async () => {
    const sql = (query: string): Promise<unknown> =>
      pipeline.clickhouse.command({ query, clickhouse_settings: { mutations_sync: '2' } });
    await pipeline.publish([usage({ tokens: { input: 7 } })]);
    await expectExact();
    const spoil = async (): Promise<void> => {
      await sql("ALTER TABLE outcomes_by_day DELETE WHERE user_id = 'u-1'");
      await sql("ALTER TABLE roll_heads DELETE WHERE grain = 'outcome_day' AND toDayOfMonth(bucket) % 2 = 0");
    };
    const rebuild = async (from: string): Promise<{ before: { outcomes: number }; after: { outcomes: number } }> =>
      JSON.parse(await pipeline.laurel('rebuild', '--yes', '--json', '--from', from)) as never;
    await spoil();
    await rebuild('events');
    await expectExact();
    await spoil();
    await sql("ALTER TABLE outcome_events DELETE WHERE event_id LIKE '%7'");
    await sql(`INSERT INTO outcome_events (occurred_at, user_id, source, event_id, version, kind, quantity)
      SELECT now() - 86400, 'u-0', 'nobody', 'never', 1, 'commit', 1000`);
    const report = await rebuild('kafka');
    expect(report.after.outcomes).toBeGreaterThan(report.before.outcomes);
    await expectExact();
    expect(await pipeline.rows('SELECT sum(input_tokens) AS n FROM usage')).toEqual([{ n: '7' }]);
    // What comes afterwards is counted as ever.
    await publish([outcome({ event_id: 'after' })]);
    await expectExact();
  });
});
