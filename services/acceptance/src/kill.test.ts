import { topics, type UsageRecorded } from '@laurel/events';
import { deduplicate, figuresByUser } from '@laurel/usage';
import { fold, holdersOf } from '@laurel/titles';
import { decodeUsage, usageRecorded } from '@laurel/events';
import { eventually } from './pipeline/eventually.js';
import { HttpGate } from './pipeline/http-gate.js';
import { Pipeline } from './pipeline/pipeline.js';
import { usage } from './pipeline/usage.js';

const NOW = Date.now();
const DAY_MS = 86_400_000;

/** Events of the last days and of the running minute, some of them twice. */
function traffic(name: string, count: number): UsageRecorded[] {
  const events = Array.from({ length: count }, (_, index) =>
    usage({
      event_id: `${name}-${index}`,
      user_id: `u-${index % 11}`,
      session_id: `s-${index % 5}`,
      occurred_at: index % 3 === 0 ? NOW - (index % 28) * DAY_MS - index * 1000 : Date.now() - index,
      tokens: { input: index, cache_read: 2 * index, output: index % 100 },
    }),
  );
  return [...events, ...events.filter((_, index) => index % 10 === 0)];
}

describe('kill -9 of each service with a batch in flight', () => {
  let pipeline: Pipeline;
  let gate: HttpGate;
  const published: UsageRecorded[] = [];

  const publish = async (events: readonly UsageRecorded[]): Promise<void> => {
    published.push(...events);
    await pipeline.publish(events);
  };

  /** Every figure of every person equals the reference model's fold of all that was published. */
  const expectExact = async (): Promise<void> => {
    await pipeline.settled();
    const events = published.map((event) => {
      const decoded = decodeUsage(
        { value: usageRecorded.encode(event), headers: {}, timestampMs: Date.now() },
        { byRegistryId: () => 'unknown' },
      );
      if (!decoded.ok || !('value' in decoded)) throw new Error('an event of this test is not valid');
      return decoded.value;
    });
    const expected = [...figuresByUser(deduplicate(events))]
      .map(([user_id, { events: count, tokens }]) => ({
        user_id,
        events: String(count),
        input: String(tokens.input),
        cache_read: String(tokens.cache_read),
        output: String(tokens.output),
      }))
      .sort((a, b) => (a.user_id < b.user_id ? -1 : 1));
    for (const view of ['usage', 'usage_by_day', 'model_usage_by_day']) {
      const rows = await pipeline.rows(
        `SELECT user_id, sum(t.events) AS events, sum(t.input_tokens) AS input, sum(t.cache_read_tokens) AS cache_read, sum(t.output_tokens) AS output FROM ${view} AS t GROUP BY user_id ORDER BY user_id`,
      );
      expect({ view, rows }).toEqual({ view, rows: expected });
    }
  };

  const redelivered = async (table: string, condition: string): Promise<number> => {
    const [row] = await pipeline.rows<{ n: string }>(`SELECT count() AS n FROM ${table} WHERE ${condition}`);
    return Number(row?.n);
  };

  beforeAll(async () => {
    gate = await HttpGate.open(process.env['LAUREL_TEST_CLICKHOUSE_URL'] ?? '');
    pipeline = await Pipeline.create([]);
    await pipeline.start('usage-ingest', { LAUREL_CLICKHOUSE_URL: gate.url });
    await pipeline.start('usage-projector', { LAUREL_CLICKHOUSE_URL: gate.url });
    await pipeline.start('title-awarder', { LAUREL_CLICKHOUSE_URL: gate.url });
    // Merges would collapse the copies whose presence shows that records were redelivered.
    await pipeline.clickhouse.command({ query: 'SYSTEM STOP MERGES usage_events' });
  });

  afterAll(async () => {
    await pipeline.close();
    gate.close();
  });

  it.each([
    ['its rows are in the table and it does not know', 'INSERT INTO usage_events'],
    ['all is written but the commit', 'INSERT INTO ingest_ledger'],
  ])('keeps every figure exact when usage-ingest dies while %s', async (_, query) => {
    const held = gate.holdNext((passage) => passage.includes(query));
    await publish(traffic(`ingest-${query}`, 600));
    await held;
    await pipeline.service('usage-ingest').end('SIGKILL');
    await pipeline.start('usage-ingest', { LAUREL_CLICKHOUSE_URL: gate.url });
    await expectExact();
    // Offsets that are in the table twice were delivered twice.
    expect(
      await redelivered(
        '(SELECT kafka_partition, kafka_offset FROM usage_events GROUP BY kafka_partition, kafka_offset HAVING count() > 1)',
        '1',
      ),
    ).toBeGreaterThan(0);
  });

  it.each([
    ['a roll is written and has no head', 'INSERT INTO usage_by_minute'],
    ['the rolls of closed hours are written', 'INSERT INTO session_minutes'],
    ['the heads are written and nothing is committed', 'INSERT INTO roll_heads'],
  ])('keeps every figure exact when usage-projector dies while %s', async (_, query) => {
    const held = gate.holdNext((passage) => passage.includes(query));
    await publish(traffic(`projector-${query}`, 300));
    await held;
    const committed = await committedAnnouncements();
    await pipeline.service('usage-projector').end('SIGKILL');
    // What it had taken in was not committed, so it will be delivered again.
    const ends = await pipeline.endOffsets(topics.usageStored.name);
    expect([...ends].reduce((sum, [, end]) => sum + end, 0)).toBeGreaterThan(committed);
    await pipeline.start('usage-projector', { LAUREL_CLICKHOUSE_URL: gate.url });
    await expectExact();
  });

  it('writes each award once when title-awarder dies in an evaluation, and when it is killed at any moment', async () => {
    const held = gate.holdNext((passage) => passage.includes('AS day_key'));
    await publish([
      usage({ event_id: 'lead', user_id: 'u-lead', occurred_at: Date.now(), tokens: { input: 90_000_000 } }),
    ]);
    await held;
    await pipeline.service('title-awarder').end('SIGKILL');
    await pipeline.start('title-awarder');
    await eventually('the leader to hold the title', async () => (await holderOf('token_legend')) === 'u-lead');
    const before = await pipeline.awards();
    for (let time = 0; time < 3; time += 1) {
      await publish([usage({ event_id: `more-${time}`, user_id: 'u-lead', tokens: { input: 1 } })]);
      await pipeline.service('title-awarder').end('SIGKILL');
      await pipeline.start('title-awarder');
    }
    await expectExact();
    const evaluations = await pipeline.service('title-awarder').metric('laurel_title_ticks_total');
    await eventually(
      'another evaluation',
      async () => (await pipeline.service('title-awarder').metric('laurel_title_ticks_total')) > evaluations,
    );
    expect((await pipeline.awards()).map((award) => award.award_id)).toEqual(before.map((award) => award.award_id));
  });

  /** Folding refuses a hole or a repeat, so this also checks the log of awards. */
  async function holderOf(title: string): Promise<string | undefined> {
    const state = fold(await pipeline.awards()).get(`${title}|company`);
    return state === undefined ? undefined : holdersOf(state)?.holders[0]?.user_id;
  }

  async function committedAnnouncements(): Promise<number> {
    const admin = pipeline.kafka.admin();
    await admin.connect();
    try {
      const [group] = await admin.fetchOffsets({
        groupId: `${pipeline.prefix}laurel-usage-projector`,
        topics: [pipeline.topic(topics.usageStored.name)],
      });
      return (group?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
    } finally {
      await admin.disconnect();
    }
  }
});
