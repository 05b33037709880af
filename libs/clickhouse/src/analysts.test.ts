import { usageEvent } from '@laurel/usage/fixture';
import { isHidden, writeChoices, writePeopleDefault, type ChoiceRow } from './people.js';
import { Roller } from './roller.fixture.js';
import { TestDatabase } from './test-database.fixture.js';

const DAY = 86_400;
const NOW = Math.floor(Date.now() / 1000);
const TODAY = NOW - (NOW % DAY);
const DAYS = [TODAY - DAY, TODAY];
const PEOPLE = ['u-0', 'u-1', 'u-2', 'u-3', 'u-4', 'u-5', 'u-6'];
const SHOWN = {
  shown_usage: 'usage',
  shown_usage_by_day: 'usage_by_day',
  shown_model_usage_by_day: 'model_usage_by_day',
  shown_session_activity: 'session_activity',
} as const;
const VIEWS = Object.entries(SHOWN);

describe('the views for analysts', () => {
  let database: TestDatabase;
  let version = 0;

  beforeAll(async () => {
    database = await TestDatabase.create();
    const roller = new Roller(database, TODAY - DAY, NOW);
    await roller.begin();
    // Everybody uses the first model each day, u-0 alone a model of their own; team b has five people, team c the rest.
    const events = DAYS.flatMap((day) =>
      PEOPLE.flatMap((user_id, index) =>
        (index === 0 ? ['claude-sonnet-4-5', 'rare-model'] : ['claude-sonnet-4-5']).map((model) =>
          usageEvent({
            user_id,
            model,
            event_id: `${day}-${user_id}-${model}`,
            session_id: `s-${user_id}`,
            team: index < 5 ? 'b' : 'c',
            // Not at midnight, where there is nothing before it.
            occurred_at: Math.min(day + 60 * index, NOW) * 1000,
            tokens: { input: 10 ** index, cache_read: 3, output: 1 },
          }),
        ),
      ),
    );
    await roller.take({ events, closeHours: 24, closeDays: true });
  });
  beforeEach(() => database.truncate(['people_choices']));
  afterAll(() => database.drop());

  const choose = (visibility: 'hidden' | 'handle', people: readonly string[]): Promise<void> =>
    writeChoices(
      database.client,
      people.map((userId): ChoiceRow => ({
        userId,
        choice: { visibility, figures: 'exact', changed_at: 1 },
        version: ++version,
      })),
    );
  const whole = async (source: string, where = '1'): Promise<readonly string[]> =>
    (
      await database.rows<{ row: string }>(
        `SELECT toJSONString(tuple(*)) AS row FROM ${source} WHERE ${where} ORDER BY row`,
      )
    ).map(({ row }) => row);
  const company = (): Promise<Record<string, unknown>[]> =>
    database.rows(`SELECT toString(day) AS key, model, counts_everybody, people, input_tokens AS input
      FROM company_usage_by_day ORDER BY day, model`);
  const [yesterday, today] = DAYS.map((day) => new Date(day * 1000).toISOString().slice(0, 10));
  const row = (key: string | undefined, model: string, counts_everybody: boolean, people: number, input: number) => ({
    ...{ key, model, counts_everybody: Number(counts_everybody), people: String(people), input: String(input) },
  });

  it.each([
    ['nobody is hidden', [], false],
    ['somebody is', ['u-0', 'u-3'], false],
    ['everybody is but some', ['u-2'], true],
  ] as const)('have what is behind them without hidden people, when %s', async (_, exceptions, hidesByDefault) => {
    if (hidesByDefault) await writePeopleDefault(database.client, { visibility: 'hidden', figures: 'exact' }, 1);
    await choose(hidesByDefault ? 'handle' : 'hidden', exceptions);
    for (const [view, source] of VIEWS) {
      const shown = await whole(view);
      expect(shown).toEqual(await whole(source, `NOT ${isHidden()}`));
      expect(shown.length).toBeGreaterThan(0);
    }
  });

  it('tell of the company without one to four hidden people, so that nothing follows by subtracting', async () => {
    const all = 1_111_111;
    expect(await company()).toEqual([
      row(yesterday, 'claude-sonnet-4-5', true, 7, all),
      row(yesterday, 'rare-model', true, 1, 1),
      row(today, 'claude-sonnet-4-5', true, 7, all),
      row(today, 'rare-model', true, 1, 1),
    ]);
    await choose('hidden', ['u-0', 'u-6']);
    const few = [
      row(yesterday, 'claude-sonnet-4-5', false, 5, all - 1_000_001),
      row(today, 'claude-sonnet-4-5', false, 5, all - 1_000_001),
    ];
    expect(await company()).toEqual(few);
    const days = 'SELECT sum(input_tokens) AS n, sum(cache_read_tokens) AS m, sum(list_cost_usd) AS usd FROM';
    expect(await database.rows(`${days} company_usage_by_day`)).toEqual(
      await database.rows(`${days} shown_model_usage_by_day`),
    );
  });

  it('count five hidden people in the company, once the day is over', async () => {
    await choose('hidden', ['u-0', 'u-1', 'u-2', 'u-3', 'u-4']);
    expect(await company()).toEqual([
      row(yesterday, 'claude-sonnet-4-5', true, 7, 1_111_111),
      row(today, 'claude-sonnet-4-5', false, 2, 1_100_000),
    ]);
  });

  it('tell of a team on days on which five of its people are shown', async () => {
    const teams = () => database.rows('SELECT DISTINCT team, people FROM team_usage_by_day');
    expect(await teams()).toEqual([{ team: 'b', people: '5' }]);
    await choose('hidden', ['u-4']);
    expect(await teams()).toEqual([]);
  });

  it.each([
    ["throwIf(user_id = 'u-0')", VIEWS],
    ["toUInt64OrZero(substring(user_id, 3)) != 0 AND NOT ignore(toUInt8(user_id = 'u-0' ? user_id : '1'))", VIEWS],
    [
      "NOT ignore(throwIf(model = 'rare-model'))",
      [
        ['shown_usage', ''],
        ['shown_model_usage_by_day', ''],
      ],
    ],
    ['NOT ignore(throwIf(input_tokens = 1))', VIEWS.slice(0, 3)],
    ["NOT ignore(throwIf(session_id = 's-u-0'))", VIEWS.slice(3)],
  ] as const)('say nothing of hidden people by a condition that fails on them: %s', async (condition, views) => {
    await choose('hidden', ['u-0']);
    for (const [view] of views) {
      for (const settings of ['', "SETTINGS short_circuit_function_evaluation = 'disable'"]) {
        const count = await database.rows<{ n: string }>(
          `SELECT count() AS n FROM ${view} WHERE NOT ignore(${condition}) ${settings}`,
        );
        expect(Number(count[0]?.n)).toBeGreaterThan(0);
      }
    }
  });
});
