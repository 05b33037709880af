import { readClosures, writeClosure } from '@laurel/clickhouse';
import { decodeUsage, usageRecorded, type UsageRecorded } from '@laurel/events';
import { activeMinutes, deduplicate, figuresByUser } from '@laurel/usage';
import { eventually } from './pipeline/eventually.js';
import { Pipeline } from './pipeline/pipeline.js';
import { usage } from './pipeline/usage.js';

const HOUR = 3600;
const DAY = 86_400;
const VIEWS = ['usage', 'usage_by_day', 'model_usage_by_day'];
const startOf = (ms: number, width: number): number => Math.floor(ms / 1000 / width) * width;

/** The reference model's fold of all that was published. */
function logOf(published: readonly UsageRecorded[]) {
  return deduplicate(
    published.map((event) => {
      const decoded = decodeUsage(
        { value: usageRecorded.encode(event), headers: {}, timestampMs: Date.now() },
        { byRegistryId: () => 'unknown' },
      );
      if (!decoded.ok || !('value' in decoded)) throw new Error('an event of this test is not valid');
      return decoded.value;
    }),
  );
}

class Traffic {
  private readonly published: UsageRecorded[] = [];
  constructor(private readonly pipeline: Pipeline) {}

  async publish(events: readonly UsageRecorded[]): Promise<void> {
    this.published.push(...events);
    await this.pipeline.publish(events);
  }

  expected() {
    const log = logOf(this.published);
    const figures = [...figuresByUser(log)]
      .map(([user_id, { events, tokens }]) => ({ user_id, events: String(events), input: String(tokens.input) }))
      .sort((a, b) => (a.user_id < b.user_id ? -1 : 1));
    return { figures, activeMinutes: activeMinutes(log).reduce((sum, { minutes }) => sum + minutes.length, 0) };
  }

  async shown(view: string) {
    return this.pipeline.rows(
      `SELECT user_id, sum(t.events) AS events, sum(t.input_tokens) AS input FROM ${view} AS t GROUP BY user_id ORDER BY user_id`,
    );
  }

  async shownActiveMinutes(): Promise<number> {
    const [row] = await this.pipeline.rows<{ n: string }>(
      `SELECT sum(bitCount(bits)) AS n FROM (SELECT groupBitOr(active_minutes) AS bits FROM session_activity GROUP BY user_id, session_id, hour)`,
    );
    return Number(row?.n);
  }

  async expectExact(): Promise<void> {
    await this.pipeline.settled();
    const expected = this.expected();
    for (const view of VIEWS) expect({ view, rows: await this.shown(view) }).toEqual({ view, rows: expected.figures });
    expect(await this.shownActiveMinutes()).toBe(expected.activeMinutes);
  }
}

const spread = (name: string, count: number, fromMs: number, toMs: number): UsageRecorded[] =>
  Array.from({ length: count }, (_, index) =>
    usage({
      event_id: `${name}-${index}`,
      user_id: `u-${index % 7}`,
      session_id: `s-${index % 3}`,
      occurred_at: Math.floor(fromMs + ((toMs - fromMs) * index) / count),
      tokens: { input: index + 1 },
    }),
  );

describe('usage-projector', () => {
  let pipeline: Pipeline;
  let traffic: Traffic;
  beforeEach(async () => {
    pipeline = await Pipeline.create(['usage-ingest']);
    traffic = new Traffic(pipeline);
  });
  afterEach(() => pipeline.close());

  it('closes hour after hour and day after day up to now, and no figure changes on the way', async () => {
    const now = Date.now();
    // Nothing was closed for 30 hours, and everything came in while it was open.
    await writeClosure(pipeline.clickhouse, 'day', startOf(now - 30 * HOUR * 1000, DAY));
    await writeClosure(pipeline.clickhouse, 'hour', startOf(now - 30 * HOUR * 1000, HOUR));
    await pipeline.start('usage-projector', { LAUREL_PROJECTOR_HOUR_CLOSE_DELAY_MS: String(24 * HOUR * 1000) });
    await traffic.publish(spread('e', 800, now - 40 * HOUR * 1000, now));
    await traffic.expectExact();
    await pipeline.service('usage-projector').end('SIGTERM');
    const expected = traffic.expected();
    const before = await readClosures(pipeline.clickhouse);
    expect(before.hour).toBeLessThan(startOf(now - 20 * HOUR * 1000, HOUR));

    await pipeline.start('usage-projector', { LAUREL_PROJECTOR_HOUR_CLOSE_DELAY_MS: '0' });
    const seen = new Set<number>();
    await eventually(
      'every hour that is over to be closed',
      async () => {
        for (const view of VIEWS)
          expect({ view, rows: await traffic.shown(view) }).toEqual({ view, rows: expected.figures });
        expect(await traffic.shownActiveMinutes()).toBe(expected.activeMinutes);
        const { hour, day } = await readClosures(pipeline.clickhouse);
        seen.add(hour);
        return hour >= startOf(now, HOUR) && day >= startOf(now, DAY);
      },
      { describe: () => [...seen] },
    );
    const heads = await pipeline.rows<{ n: string }>(
      `SELECT uniqExact(bucket) AS n FROM roll_heads WHERE grain = 'hour' AND bucket >= toDateTime(${before.hour}) AND bucket < toDateTime(${startOf(now, HOUR)})`,
    );
    expect(Number(heads[0]?.n)).toBe((startOf(now, HOUR) - before.hour) / HOUR);
    // What comes late for what is closed now is counted too.
    await traffic.publish(spread('late', 100, now - 40 * HOUR * 1000, now));
    await traffic.expectExact();
  });

  it('keeps every figure exact with two instances, of which one stands still beyond its session and goes on', async () => {
    const now = Date.now();
    const first = await pipeline.start('usage-projector');
    const second = await pipeline.start('usage-projector');
    try {
      const round = (name: string) => traffic.publish(spread(name, 200, now - 10 * DAY * 1000, Date.now()));
      await round('both');
      await traffic.expectExact();
      await round('stopped in the middle');
      first.signal('SIGSTOP');
      const members = async (): Promise<number> => {
        const admin = pipeline.kafka.admin();
        await admin.connect();
        const { groups } = await admin.describeGroups([`${pipeline.prefix}laurel-usage-projector`]);
        await admin.disconnect();
        return groups[0]?.members.length ?? 0;
      };
      await eventually('the silent member to lose its partitions', async () => (await members()) === 1);
      await round('one alone');
      await traffic.expectExact();
      first.signal('SIGCONT');
      await eventually('it to come back', async () => (await members()) === 2);
      await round('both again');
      await traffic.expectExact();
      await round('and again');
      await traffic.expectExact();
      // Nor did a commit of the old generation end a process.
      expect([first.isRunning, second.isRunning]).toEqual([true, true]);
    } finally {
      first.signal('SIGCONT');
      await first.end('SIGKILL');
    }
  });
});
