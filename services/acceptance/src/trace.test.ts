import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { topics } from '@laurel/events';
import { eventually } from './pipeline/eventually.js';
import { Pipeline } from './pipeline/pipeline.js';

const run = promisify(execFile);
const ORACLE = fileURLToPath(new URL('../oracle/expected.py', import.meta.url));
const TRACE = fileURLToPath(new URL('../../cli/data/mooncake_conversation.jsonl.gz', import.meta.url));
const SOURCE = 'mooncake-conversation';
const BLOCK_TOKENS = 512;

interface Request {
  readonly input_length: number;
  readonly output_length: number;
  readonly hash_ids: readonly number[];
}

/** The plain sum over the file: what an earlier request had as the same prefix is read from the cache. */
function plainSums(): { events: number; input: number; read: number; output: number } {
  const seen = new Set<string>();
  const sums = { events: 0, input: 0, read: 0, output: 0 };
  for (const line of gunzipSync(readFileSync(TRACE)).toString('utf8').trim().split('\n')) {
    const { input_length, output_length, hash_ids } = JSON.parse(line) as Request;
    let prefix = '';
    let blocks = 0;
    const prefixes = hash_ids.map((id) => (prefix += `/${id}`));
    while (blocks < prefixes.length && seen.has(prefixes[blocks] ?? '')) blocks += 1;
    for (const one of prefixes) seen.add(one);
    sums.events += 1;
    sums.input += input_length;
    sums.read += Math.min(blocks * BLOCK_TOKENS, input_length);
    sums.output += output_length;
  }
  return sums;
}

type Counts = Readonly<
  Record<
    | 'events'
    | 'input'
    | 'cache_read'
    | 'cache_write_5m'
    | 'cache_write_1h'
    | 'cache_write'
    | 'output'
    | 'reasoning'
    | 'total',
    number
  >
>;

interface Standing {
  readonly user_id: string;
  readonly value: number;
  readonly eligible: boolean;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** What the independent script prints. */
interface Expected {
  readonly all_time: {
    readonly totals: Counts;
    readonly users: Readonly<Record<string, Counts>>;
    readonly models: Readonly<Record<string, Counts>>;
  };
  readonly leaderboards: Readonly<Record<string, readonly { readonly user_id: string; readonly value: number }[]>>;
  readonly titles: Readonly<
    Record<
      string,
      { readonly holder: Standing; readonly runner_up: number | null; readonly standings: readonly Standing[] }
    >
  >;
}

type Digits = Readonly<Record<string, string>>;

interface Titles {
  readonly titles: readonly {
    readonly id: string;
    readonly window: { readonly start: string; readonly end: string };
    readonly holders: readonly {
      readonly user_id: string;
      readonly value: number;
      readonly evidence: Readonly<Record<string, string | number>>;
    }[];
    readonly standings: readonly {
      readonly rank: number;
      readonly user_id: string;
      readonly value: number;
      readonly evidence: Readonly<Record<string, string | number>>;
    }[];
  }[];
}

interface Board {
  readonly people: number;
  readonly entries: readonly { readonly rank: number; readonly user_id: string; readonly value: string }[];
}

describe('the recorded trace through the whole pipeline', () => {
  let pipeline: Pipeline;
  let expected: Expected;
  const anchorMs = Date.now();

  const oracle = async (...args: string[]): Promise<string> =>
    (await run('python3', [ORACLE, '--anchor', String(anchorMs), ...args], { maxBuffer: 64 * 1024 * 1024 })).stdout;

  const counts = async (key: string): Promise<Readonly<Record<string, Counts>>> => {
    const rows = await pipeline.rows<Digits>(`
      SELECT toString(${key}) AS name, sum(t.events) AS events, sum(t.input_tokens) AS input, sum(t.cache_read_tokens) AS cache_read,
        sum(t.cache_write_5m_tokens) AS cache_write_5m, sum(t.cache_write_1h_tokens) AS cache_write_1h, sum(t.cache_write_tokens) AS cache_write,
        sum(t.output_tokens) AS output, sum(t.reasoning_tokens) AS reasoning
      FROM usage AS t GROUP BY name`);
    return Object.fromEntries(
      rows.map(({ name, ...digits }) => {
        const numbers = Object.fromEntries(
          Object.entries(digits).map(([field, value]) => [field, Number(value)]),
        ) as Omit<Counts, 'total'>;
        const total =
          numbers.input +
          numbers.cache_read +
          numbers.cache_write_5m +
          numbers.cache_write_1h +
          numbers.cache_write +
          numbers.output;
        return [String(name), { ...numbers, total }];
      }),
    );
  };

  /** Every figure that anybody can read, to see whether anything moved. */
  const figures = async (): Promise<unknown> => ({
    users: await counts('user_id'),
    models: await counts('model'),
    hours: await pipeline.rows(
      'SELECT hour, user_id, model, origin, status, sum(t.events), sum(t.output_tokens), sum(t.cache_read_tokens) FROM usage AS t GROUP BY ALL ORDER BY ALL',
    ),
    board: await pipeline.get<Board>('/v1/leaderboards/total_tokens?limit=1000'),
    titles: await pipeline.get<Titles>('/v1/titles'),
    outcomes: await pipeline.rows('SELECT * FROM outcomes ORDER BY ALL'),
    sessions: await pipeline.rows(
      'SELECT user_id, session_id, hour, groupBitOr(active_minutes) FROM session_activity GROUP BY ALL ORDER BY ALL',
    ),
  });

  const publishJson = async (
    lines: readonly string[],
    topic: (typeof topics)['usageEvents' | 'usageOutcomes'] = topics.usageEvents,
  ): Promise<void> => {
    const producer = pipeline.kafka.producer();
    await producer.connect();
    for (let at = 0; at < lines.length; at += 2000) {
      await producer.send({
        topic: pipeline.topic(topic.name),
        messages: lines
          .slice(at, at + 2000)
          .map((value) => ({ key: (JSON.parse(value) as { user_id: string }).user_id, value })),
      });
    }
    await producer.disconnect();
  };

  beforeAll(async () => {
    pipeline = await Pipeline.create(['usage-ingest', 'usage-projector', 'api']);
    await pipeline.laurel('demo', 'play', '--anchor', String(anchorMs));
    await pipeline.settled();
    await pipeline.start('title-awarder');
    await eventually('six holders', async () => {
      const { titles } = await pipeline.get<Titles>('/v1/titles');
      return titles.length === 6 && titles.every((title) => title.holders.length === 1);
    });
    expected = JSON.parse(await oracle('--now', String(Date.now()))) as Expected;
  });

  afterAll(() => pipeline.close());

  it('has exactly the tokens of the file', async () => {
    const plain = plainSums();
    const [row] = await pipeline.rows<Digits>(`
      SELECT sum(t.events) AS events, sum(t.input_tokens + t.cache_read_tokens + t.cache_write_5m_tokens + t.cache_write_1h_tokens + t.cache_write_tokens) AS input,
        sum(t.cache_read_tokens) AS read, sum(t.output_tokens) AS output
      FROM usage AS t`);
    expect(Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]))).toEqual(plain);
    expect(plain.events).toBeGreaterThan(10_000);
  });

  it('has exactly the independent script’s figures for every user and model', async () => {
    expect(await counts('user_id')).toEqual(expected.all_time.users);
    expect(await counts('model')).toEqual(expected.all_time.models);
  });

  it('has exactly the independent script’s outcomes of every user', async () => {
    const sums = (rows: readonly { user_id: string; kind: string; quantity: string | number }[]) => {
      const all = new Map<string, number>();
      for (const { user_id, kind, quantity } of rows) {
        all.set(`${user_id} ${kind}`, (all.get(`${user_id} ${kind}`) ?? 0) + Number(quantity));
      }
      return [...all].sort();
    };
    const printed = (await oracle('--print-outcomes')).trim().split('\n');
    expect(sums(await pipeline.rows('SELECT user_id, kind, quantity FROM outcomes'))).toEqual(
      sums(printed.map((line) => JSON.parse(line) as { user_id: string; kind: string; quantity: number })),
    );
  });

  it.each(['company', 'team:platform'])('answers the independent script’s board of %s', async (scope) => {
    const board = await pipeline.get<Board>(
      `/v1/leaderboards/total_tokens?limit=1000&scope=${encodeURIComponent(scope)}`,
    );
    expect(board.entries.map(({ user_id, value }) => ({ user_id, value: Number(value) }))).toEqual(
      expected.leaderboards[scope],
    );
    expect(board.people).toBe(expected.leaderboards[scope]?.length);
  });

  it('has the independent script’s holders, standings and evidence of every title', async () => {
    const { titles } = await pipeline.get<Titles>('/v1/titles');
    expect(titles.map(({ id }) => id).sort()).toEqual(Object.keys(expected.titles).sort());
    for (const { id, holders, standings } of titles) {
      const title = expected.titles[id];
      if (title === undefined) throw new Error(`the script has no ${id}`);
      expect([id, holders.map((holder) => holder.user_id)]).toEqual([id, [title.holder.user_id]]);
      const eligible = title.standings.filter((one) => one.eligible).slice(0, standings.length);
      expect([id, standings.map((one) => one.user_id)]).toEqual([id, eligible.map((one) => one.user_id)]);
      for (const [index, standing] of standings.entries()) {
        expect(Math.abs(standing.value - (eligible[index]?.value ?? NaN))).toBeLessThanOrEqual(1e-9);
        expectSameEvidence(standing.evidence, eligible[index]?.evidence ?? {});
      }
      expect(Math.abs((holders[0]?.value ?? NaN) - title.holder.value)).toBeLessThanOrEqual(1e-9);
      expectSameEvidence(holders[0]?.evidence ?? {}, title.holder.evidence);
    }
  });

  it('stays as it is when everything is sent again, in Avro and, in another order, as JSON', async () => {
    const before = await figures();
    await pipeline.laurel('demo', 'play', '--anchor', String(anchorMs));
    const lines = (await oracle('--print-events')).trim().split('\n');
    await publishJson(lines.reverse());
    const outcomes = (await oracle('--print-outcomes')).trim().split('\n');
    await publishJson(outcomes.reverse(), topics.usageOutcomes);
    await pipeline.settled();
    const [raw] = await pipeline.rows<Digits>('SELECT uniqExact(kafka_partition, kafka_offset) AS n FROM usage_events');
    expect(Number(raw?.['n'])).toBeGreaterThanOrEqual(lines.length);
    expect(await figures()).toEqual(before);
  });

  it('moves by the difference of a revision, and leaves out what is retracted', async () => {
    const [first = '', second = ''] = (await oracle('--print-events')).split('\n', 2);
    const revised = JSON.parse(first) as { user_id: string; tokens: Record<string, number> };
    const retracted = JSON.parse(second) as { user_id: string; tokens: Record<string, number> };
    const totals = await totalsOfLog();
    await publishJson([
      JSON.stringify({
        ...revised,
        revision: 1,
        tokens: { ...revised.tokens, output: (revised.tokens['output'] ?? 0) + 1000 },
      }),
      JSON.stringify({ ...retracted, revision: 1, retracted: true }),
    ]);
    await pipeline.settled();
    const after = await totalsOfLog();
    expect(after.events).toBe(totals.events - 1);
    expect(after.output).toBe(totals.output + 1000 - (retracted.tokens['output'] ?? 0));
    expect(after.cache_read).toBe(totals.cache_read - (retracted.tokens['cache_read'] ?? 0));
    // An older revision that arrives late changes nothing.
    await publishJson([first, second]);
    await pipeline.settled();
    expect(await totalsOfLog()).toEqual(after);
  });

  async function totalsOfLog(): Promise<Counts> {
    const totals = (await counts("'all'"))['all'];
    if (totals === undefined) throw new Error('nothing is there');
    return totals;
  }

  /** The script names its evidence by itself; what both have is compared: counts exactly, ratios to 1e-9. */
  function expectSameEvidence(
    actual: Readonly<Record<string, string | number>>,
    script: Readonly<Record<string, unknown>>,
  ): void {
    let compared = 0;
    for (const [name, value] of Object.entries(script)) {
      const own = actual[name];
      if (name === 'shares' && typeof own === 'string') {
        const shares = JSON.parse(own) as Record<string, number>;
        const theirs = value as Record<string, number>;
        expect(Object.keys(shares).sort()).toEqual(Object.keys(theirs).sort());
        for (const [family, share] of Object.entries(theirs))
          expect(Math.abs((shares[family] ?? NaN) - share)).toBeLessThanOrEqual(1e-9);
      } else if (typeof own === 'number' && typeof value === 'number') {
        expect(Math.abs(own - value)).toBeLessThanOrEqual(1e-9);
      } else {
        expect({ [name]: own }).toEqual({ [name]: String(value) });
      }
      compared += 1;
    }
    expect(compared).toBeGreaterThan(0);
  }

  it('names its source on every row', async () => {
    expect(await pipeline.rows('SELECT DISTINCT source FROM usage_events')).toEqual([{ source: SOURCE }]);
  });
});
