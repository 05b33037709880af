import { titleHolders, topics } from '@laurel/events';
import { readToEnd } from '@laurel/kafka';
import { eventually } from './pipeline/eventually.js';
import { HttpGate } from './pipeline/http-gate.js';
import { Pipeline } from './pipeline/pipeline.js';
import { outcome, usage } from './pipeline/usage.js';

const DAY_MS = 86_400_000;

describe('laurel forget', () => {
  let pipeline: Pipeline;
  let gate: HttpGate;

  beforeAll(async () => {
    pipeline = await Pipeline.create(['usage-ingest', 'usage-projector', 'api']);
    gate = await HttpGate.open(String(pipeline.environment['LAUREL_CLICKHOUSE_URL']));
    await pipeline.start('title-awarder', { LAUREL_CLICKHOUSE_URL: gate.url });
  });
  afterAll(async () => {
    await pipeline.close();
    gate.close();
  });

  const eventsOf = (user_id: string, input: number) =>
    [0, 1, 9].map((day) =>
      usage({
        event_id: `${user_id}-${day}`,
        user_id,
        session_id: `s-${user_id}`,
        occurred_at: Date.now() - day * DAY_MS,
        tokens: { input },
      }),
    );

  /** The present holders, by title. */
  async function holders(): Promise<ReadonlyMap<string, readonly string[]>> {
    const found = new Map<string, readonly string[]>();
    await readToEnd(pipeline.kafka, {
      topic: pipeline.topic(topics.titleHolders.name),
      groupPrefix: pipeline.prefix,
      onRecord: ({ key, value }) => {
        const users = value === null ? [] : titleHolders.decode(value).holders.map((one) => one.user_id);
        found.set(Buffer.from(key ?? []).toString(), users);
      },
    });
    return found;
  }

  async function traces(user: string): Promise<Record<string, number>> {
    const found: Record<string, number> = {};
    const tables = ['usage_events', 'usage_by_minute', 'usage_by_hour', 'usage_by_day_user', 'usage_by_day_model'];
    for (const table of [...tables, 'session_minutes', 'outcome_events', 'outcomes_by_day']) {
      const [row] = await pipeline.rows<{ n: string }>(
        `SELECT count() AS n FROM ${table} WHERE user_id = {user:String}`,
        { user },
      );
      found[table] = Number(row?.n);
    }
    return found;
  }
  const none = {
    usage_events: 0,
    usage_by_minute: 0,
    usage_by_hour: 0,
    usage_by_day_user: 0,
    usage_by_day_model: 0,
    session_minutes: 0,
    outcome_events: 0,
    outcomes_by_day: 0,
  };

  it('erases a person from every table and title, names them no more, and leaves everybody else as they were', async () => {
    const ada = eventsOf('u-ada', 90_000);
    const bo = eventsOf('u-bo', 20_000);
    await pipeline.publish([...ada, ...bo]);
    await pipeline.publishOutcomes(
      [0, 20].flatMap((day) =>
        ['u-ada', 'u-bo'].map((user_id) => outcome({ user_id, occurred_at: Date.now() - day * DAY_MS })),
      ),
    );
    await pipeline.settled();
    // An award that is written only after these were counted would name her rightly.
    await eventually('ada to hold her titles', async () => {
      const found = await holders();
      return ['token_legend', 'session_immortal'].every((id) => found.get(`${id}|company`)?.includes('u-ada'));
    });

    const shown = JSON.parse(await pipeline.laurel('forget', 'u-ada', '--dry-run', '--json')) as Record<
      string,
      unknown
    >;
    expect(shown).toMatchObject({ erased: false, events: 3, outcomes: 2, days: 4 });
    expect(shown['titles']).toContain('token_legend|company');
    expect((await traces('u-ada'))['usage_events']).toBe(3);

    const before = (await pipeline.awards()).length;
    const told = JSON.parse(await pipeline.laurel('forget', 'u-ada', '--yes', '--json')) as Record<string, unknown>;
    expect(told).toMatchObject({ erased: true, events: 3, titles_left: [] });
    expect(await traces('u-ada')).toEqual(none);
    await pipeline.settled();
    expect(await traces('u-ada')).toEqual(none);
    const [row] = await pipeline.rows<Record<string, string>>(
      "SELECT sum(input_tokens) AS all, sumIf(input_tokens, user_id = 'u-bo') AS bo FROM usage",
    );
    expect(row).toEqual({ all: '60000', bo: '60000' });
    expect(await pipeline.rows('SELECT user_id, sum(quantity) AS n FROM outcomes GROUP BY user_id')).toEqual([
      { user_id: 'u-bo', n: '2' },
    ]);

    const after = (await pipeline.awards()).slice(before);
    const legend = after.filter(({ title_id }) => title_id === 'token_legend');
    expect(
      legend.map(({ type, user_id, reason, previous_holder }) => [type, user_id, reason, previous_holder]),
    ).toEqual([
      ['title_revoked', '', 'withheld', null],
      ['title_awarded', 'u-bo', 'vacant', null],
    ]);
    expect([...(await holders()).values()].flat()).not.toContain('u-ada');
    expect(JSON.stringify(after)).not.toContain('u-ada');
    const answer = await fetch(`${pipeline.service('api').url}/v1/users/u-ada`);
    expect(answer.status).toBe(404);
  });

  it('names a person no more who is erased while the titles are being evaluated', async () => {
    await pipeline.publish(eventsOf('u-cy', 400_000));
    await pipeline.settled();
    await eventually('cy to hold the title', async () =>
      (await holders()).get('token_legend|company')?.includes('u-cy'),
    );
    const before = (await pipeline.awards()).length;
    // The awarder was told that nobody else is erased, and stands still before it knows …
    const release = await gate.holdNext((passage) => passage.includes('FROM erasures'));
    const forgetting = pipeline.laurel('forget', 'u-cy', '--yes', '--json');
    await eventually('the figures to be without cy', async () => {
      const [row] = await pipeline.rows<{ n: string }>("SELECT count() AS n FROM usage WHERE user_id = 'u-cy'");
      return row?.n === '0';
    });
    // … when that is no longer so.
    release();
    await forgetting;
    await eventually('cy to hold nothing', async () => ![...(await holders()).values()].flat().includes('u-cy'));
    const after = (await pipeline.awards()).slice(before);
    expect(after.filter(({ reason }) => reason === 'withheld').length).toBeGreaterThan(0);
    expect(JSON.stringify(after)).not.toContain('u-cy');
  });

  it('keeps a person erased whose old and new events are sent again, and accounts for them', async () => {
    await pipeline.publish([...eventsOf('u-ada', 90_000), usage({ event_id: 'new', user_id: 'u-ada' })]);
    await pipeline.publishOutcomes([outcome({ user_id: 'u-ada' }), outcome({ user_id: 'u-bo' })]);
    await pipeline.publish([usage({ event_id: 'witness', user_id: 'u-bo', tokens: { input: 5 } })]);
    await pipeline.settled();
    expect(await traces('u-ada')).toEqual(none);
    const [row] = await pipeline.rows<Record<string, string>>(
      'SELECT sum(erased) AS erased, sum(dead) AS dead FROM ingest_ledger FINAL',
    );
    expect(row).toEqual({ erased: '5', dead: '0' });
    expect(await pipeline.service('usage-ingest').metric('laurel_ingest_records_total', 'outcome="erased"')).toBe(5);
  });

  it('can be run again, for anybody, with nothing left to do', async () => {
    for (const user of ['u-ada', 'u-nobody']) {
      const told = JSON.parse(await pipeline.laurel('forget', user, '--yes', '--json')) as Record<string, unknown>;
      expect(told).toMatchObject({ erased: true, events: 0, deleted: {} });
    }
  });

  it('asks before it erases, and does not without an answer', async () => {
    await expect(pipeline.laurel('forget', 'u-bo')).rejects.toThrow('give --yes');
    expect((await traces('u-bo'))['usage_events']).toBeGreaterThan(0);
  });
});
