import { topics, type AwardEvent } from '@laurel/events';
import { readToEnd } from '@laurel/kafka';
import { eventually } from './pipeline/eventually.js';
import { HttpGate } from './pipeline/http-gate.js';
import { Pipeline } from './pipeline/pipeline.js';
import { usage } from './pipeline/usage.js';

const DAY_MS = 86_400_000;

describe('laurel people', () => {
  let pipeline: Pipeline;
  let gate: HttpGate;

  beforeAll(async () => {
    pipeline = await Pipeline.create(['usage-ingest', 'usage-projector', 'api']);
    gate = await HttpGate.open(String(pipeline.environment['LAUREL_CLICKHOUSE_URL']));
    await pipeline.start('title-awarder', { LAUREL_CLICKHOUSE_URL: gate.url });
    await pipeline.publish([...eventsOf('u-ada', 90_000), ...eventsOf('u-bo', 20_000), ...eventsOf('u-cy', 10_000)]);
    await pipeline.settled();
    await eventually('ada to hold the title', async () => (await holderOf('token_legend')) === 'u-ada');
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
  const legends = async (): Promise<readonly AwardEvent[]> =>
    (await pipeline.awards()).filter(({ title_id }) => title_id === 'token_legend');
  async function holderOf(title: string): Promise<string | undefined> {
    const last = (await pipeline.awards()).findLast(({ title_id }) => title_id === title);
    return last?.type === 'title_awarded' ? last.user_id : undefined;
  }
  const people = async (...args: readonly string[]): Promise<Record<string, unknown>> =>
    JSON.parse(await pipeline.laurel('people', ...args, '--json')) as Record<string, unknown>;
  const board = async () =>
    (
      await pipeline.get<{ entries: readonly { user_id: string; handle: string; name: string | null }[] }>(
        '/v1/leaderboards/total_tokens',
      )
    ).entries;
  /** What the topic of choices holds of a person, the last first; null is a record without a value. */
  async function recordsOf(user: string): Promise<readonly (Uint8Array | null)[]> {
    const found: (Uint8Array | null)[] = [];
    await readToEnd(pipeline.kafka, {
      topic: pipeline.topic(topics.peopleProfiles.name),
      groupPrefix: pipeline.prefix,
      onRecord: ({ key, value }) => {
        if (Buffer.from(key ?? []).toString() === user) found.unshift(value);
      },
    });
    return found;
  }

  it('sets, shows and resets how a person is shown, and says when it is in effect', async () => {
    expect(await people('show', 'u-bo')).toMatchObject({
      choice: null,
      hidden: false,
      name: null,
      figures: 'exact',
      in_effect: true,
    });
    expect(await people('set', 'u-bo', '--visibility', 'name', '--name', 'Bo', '--handle', 'Raven')).toMatchObject({
      choice: { visibility: 'name', display_name: 'Bo', handle: 'raven', figures: 'exact', changed_by: 'admin' },
      hidden: false,
      handle: 'raven',
      in_effect: true,
    });
    await eventually('the board to show it', async () =>
      (await board()).some(({ handle, name }) => handle === 'raven' && name === 'Bo'),
    );
    expect(await pipeline.laurel('people', 'show', 'u-bo')).toMatch(
      /^u-bo is shown as Bo, raven, figures exact; chosen 20.*\(admin\)\.\n$/,
    );
    expect(await people('set', 'u-bo', '--figures', 'bands', '--handle', '')).toMatchObject({
      choice: { visibility: 'name', display_name: 'Bo', handle: null, figures: 'bands' },
    });
    expect(await people('reset', 'u-bo')).toMatchObject({ choice: null, hidden: false, name: null, in_effect: true });
    expect(await pipeline.laurel('people', 'show', 'u-bo')).toContain('by the company’s default');
  });

  it.each([
    ['handle_taken', ['set', 'u-cy', '--handle', 'U.ADA']],
    ['handle_reserved', ['set', 'u-cy', '--handle', 'calm-otter-482913']],
    ['name_missing', ['set', 'u-cy', '--visibility', 'name']],
    ['nothing to set', ['set', 'u-cy']],
  ])('refuses with its reason: %s', async (reason, args) => {
    await expect(pipeline.laurel('people', ...args)).rejects.toThrow(reason);
    expect(await people('show', 'u-cy')).toMatchObject({ choice: null });
  });

  it('hides a holder: the title passes on, and from then on no award names them', async () => {
    const before = (await pipeline.awards()).length;
    // The awarder has read standings with ada at the top, and does not know them yet, when ada hides.
    const release = await gate.holdNext((passage) => passage.includes('AS day_key'));
    expect(await people('set', 'u-ada', '--visibility', 'hidden')).toMatchObject({ hidden: true, in_effect: true });
    release();
    await eventually('bo to hold the title', async () => (await holderOf('token_legend')) === 'u-bo');
    const after = (await pipeline.awards()).slice(before);
    expect(
      after
        .filter(({ title_id }) => title_id === 'token_legend')
        .map(({ type, user_id, reason, value, rank, evidence, previous_holder }) => [
          type,
          user_id,
          reason,
          value,
          rank,
          evidence,
          previous_holder,
        ]),
    ).toEqual([
      ['title_revoked', '', 'withheld', 0, 0, {}, null],
      ['title_awarded', 'u-bo', 'vacant', 60_000, 1, expect.any(Object), null],
    ]);
    expect(JSON.stringify(after)).not.toContain('u-ada');
    await eventually(
      'the board to be without ada',
      async () => !(await board()).some(({ user_id }) => user_id === 'u-ada'),
    );
    expect(JSON.stringify(await pipeline.get('/v1/titles'))).not.toContain('u-ada');
    expect(JSON.stringify(await pipeline.get('/v1/awards'))).not.toContain('u-ada');
    expect((await fetch(`${pipeline.service('api').url}/v1/users/u-ada`)).status).toBe(404);
    const [row] = await pipeline.rows<{ n: string }>('SELECT sum(input_tokens) AS n FROM usage');
    expect(row).toEqual({ n: '360000' });
  });

  it('ends amid an evaluation without another step of it', async () => {
    const awarder = pipeline.service('title-awarder');
    const held = gate.holdNext((passage) => passage.includes('AS day_key'));
    await pipeline.publish([usage({ user_id: 'u-cy', tokens: { input: 1 } })]);
    const release = await held;
    const ended = awarder.end('SIGTERM');
    await eventually('the awarder to be ending', () => Promise.resolve(awarder.log().includes('"ending"')));
    let isJudging = false;
    void gate
      .holdNext((passage) => passage.includes('FROM erasures'))
      .then((go) => {
        isJudging = true;
        go();
      });
    release();
    await ended;
    expect(isJudging).toBe(false);
    await pipeline.start('title-awarder', { LAUREL_CLICKHOUSE_URL: gate.url });
  });

  it('keeps hidden who hid while the projector was away, also from whoever looks at the tables first', async () => {
    // No awarder meanwhile: it would rightly give the title to whom the lost table does not know as hidden.
    for (const name of ['title-awarder', 'usage-projector'] as const) await pipeline.service(name).end('SIGTERM');
    await pipeline.clickhouse.command({ query: 'TRUNCATE TABLE people_choices' });
    await pipeline.start('usage-projector');
    const rows = await pipeline.rows<{ user_id: string }>('SELECT user_id FROM leaderboard_30d ORDER BY user_id');
    expect(rows.map(({ user_id }) => user_id)).toEqual(['u-bo', 'u-cy']);
    await pipeline.start('title-awarder');
  });

  it('gives the title back by the rule to who shows themselves again, and forgets a choice with its person', async () => {
    const before = (await legends()).length;
    await people('set', 'u-ada', '--visibility', 'handle', '--name', 'Ada');
    await eventually('ada to hold the title', async () => (await holderOf('token_legend')) === 'u-ada');
    expect((await legends()).slice(before).map(({ type, user_id, reason }) => [type, user_id, reason])).toEqual([
      ['title_revoked', 'u-bo', 'overtaken'],
      ['title_awarded', 'u-ada', 'overtook'],
    ]);

    const told = JSON.parse(await pipeline.laurel('forget', 'u-ada', '--yes', '--json')) as Record<string, unknown>;
    expect(told).toMatchObject({
      erased: true,
      choice: true,
      deleted: { people_choices: expect.any(Number) as number },
    });
    expect((await recordsOf('u-ada'))[0]).toBeNull();
    await eventually('no row of ada', async () => {
      const rows = await pipeline.rows("SELECT 1 FROM people_choices WHERE user_id = 'u-ada'");
      return rows.length === 0;
    });
    // Nobody is named on the topic for being forgotten.
    await pipeline.laurel('forget', 'u-never', '--yes');
    expect(await recordsOf('u-never')).toEqual([]);
  });
});
