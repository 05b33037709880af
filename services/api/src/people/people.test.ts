import { generatedHandle } from '@laurel/titles';
import type { AwardsJson } from '../awards/awards.controller.js';
import { award, usage } from '../testing/events.js';
import { eventually } from '../testing/eventually.js';
import { testStack, type TestStack } from '../testing/stack.js';
import type { TitlesJson } from '../titles/titles.controller.js';
import type { LeaderboardJson, ModelsJson, TeamsJson, UserJson } from '../usage/usage.controller.js';

const DAY_MS = 86_400_000;
const yesterday = new Date(Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS / 2).toISOString();

/** Everything that is answered about people, in one text. */
const PATHS = [
  '/v1/leaderboards/total_tokens',
  '/v1/leaderboards/cost_micro_usd',
  '/v1/leaderboards/total_tokens?scope=team:red',
  '/v1/leaderboards/total_tokens?q=u-1&user=u-1',
  '/v1/leaderboards/total_tokens/trends',
  '/v1/models',
  '/v1/models/days',
  '/v1/teams',
  '/v1/titles',
  '/v1/titles/holders',
  '/v1/awards',
];

describe('people as they chose to be shown', () => {
  let stack: TestStack;
  let url: string;

  const spend = (user_id: string, input: number, fields: object = {}) =>
    usage({ user_id, occurred_at: yesterday, tokens: { input }, cost_micro_usd: input * 7, ...fields });

  /** Calls without tokens in as many minutes after that, as Token Legend counts an hour by them. */
  const asking = (user_id: string, minutes: number) =>
    Array.from({ length: minutes }, (_, minute) =>
      usage({
        user_id,
        occurred_at: new Date(Date.parse(yesterday) + (minute + 1) * 60_000).toISOString(),
        tokens: {},
      }),
    );

  beforeEach(async () => {
    stack = await testStack();
  });
  afterEach(() => stack.stop());

  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(url + path);
    expect({ path, status: response.status }).toEqual({ path, status: 200 });
    return (await response.json()) as T;
  };
  const everything = async (): Promise<string> =>
    (await Promise.all(PATHS.map(async (path) => JSON.stringify(await get(path))))).join('\n');
  const board = (query = ''): Promise<LeaderboardJson> => get(`/v1/leaderboards/total_tokens${query}`);
  const listed = async (): Promise<unknown> =>
    (await board()).entries.map(({ rank, user_id, handle, name, figures, value }) => [
      rank,
      user_id,
      handle,
      name,
      figures,
      value,
    ]);
  /** An answer without what differs from one request to the next. */
  const answerOf = async (id: string): Promise<unknown> => {
    const response = await fetch(`${url}/v1/users/${id}`);
    const text = (await response.text()).replaceAll(id, '<id>').replace(/"request_id":"[^"]*"/, '');
    return { status: response.status, text, headers: [...response.headers.keys()].sort() };
  };

  it('are shown by name, handle and figures as they say, everywhere, and otherwise as soon as they say so', async () => {
    const spent = { 'u-1': 3_456_789, 'u-2': 2_345_678, 'u-3': 1_234_567 };
    await stack.store(Object.entries(spent).flatMap(([user, input]) => [spend(user, input), ...asking(user, 7)]));
    await stack.append([
      award(0, { user_id: 'u-1', value: 3_456_789, runner_up: 2_345_678, evidence: { input: { long: 3_456_789 } } }),
    ]);
    ({ url } = await stack.startApi());
    expect(await listed()).toEqual([
      [1, 'u-1', generatedHandle('u-1'), null, 'exact', '3456789'],
      [2, 'u-2', generatedHandle('u-2'), null, 'exact', '2345678'],
      [3, 'u-3', generatedHandle('u-3'), null, 'exact', '1234567'],
    ]);
    await stack.choose('u-1', { visibility: 'name', display_name: 'Ada', handle: 'quiet-crow', figures: 'rounded' });
    await stack.choose('u-2', { display_name: 'Bo', figures: 'bands' });
    await eventually(async () => (((await listed()) as unknown[][])[1]?.[4] === 'bands' ? true : undefined));
    expect(await listed()).toEqual([
      [1, 'u-1', 'quiet-crow', 'Ada', 'rounded', '3400000'],
      [2, 'u-2', generatedHandle('u-2'), null, 'bands', '1000000'],
      [3, 'u-3', generatedHandle('u-3'), null, 'exact', '1234567'],
    ]);
    const person = await get<UserJson>('/v1/users/u-1');
    expect(person).toMatchObject({
      user_id: 'u-1',
      handle: 'quiet-crow',
      name: 'Ada',
      figures: 'rounded',
      totals: { total_tokens: '3400000', input_tokens: '3400000', events: '0', cost_micro_usd: '24000000' },
      models: [{ total_tokens: '3400000', share: 1 }],
      titles: [{ title_id: 'token_legend', value: 3_400_000, evidence: {} }],
    });
    const { awards } = await get<AwardsJson>('/v1/awards');
    expect(awards).toMatchObject([
      {
        withheld: false,
        user_id: 'u-1',
        name: 'Ada',
        figures: 'rounded',
        value: 3_400_000,
        runner_up: 2_300_000,
        evidence: {},
      },
    ]);
    const { titles } = await get<TitlesJson>('/v1/titles');
    expect(titles[0]).toMatchObject({
      holders: [{ user_id: 'u-1', name: 'Ada', value: 3_400_000, evidence: {} }],
      standings: [{ value: 3_400_000 }, { value: 1_000_000, figures: 'bands' }, { value: 1_234_567, figures: 'exact' }],
    });
    // No digit of what they don't want to be seen, in any answer.
    const answers = `${await everything()}\n${JSON.stringify(person)}\n${JSON.stringify(await get('/v1/users/u-2'))}`;
    for (const exact of ['3456789', '2345678', String(3_456_789 * 7), String(2_345_678 * 7), 'Bo"']) {
      expect(answers).not.toContain(exact);
    }
    await stack.choose('u-1', null);
    await eventually(async () => (((await listed()) as unknown[][])[0]?.[5] === '3456789' ? true : undefined));
  });

  it('are in no answer when they hide, while others close up and every sum stays', async () => {
    const people = ['u-1', 'u-2', 'u-3', 'u-4', 'u-5', 'u-6'];
    await stack.store(people.map((user, index) => spend(user, 7_000_000 - index * 1_000_000, { team: 'red' })));
    await stack.append([
      award(0, { user_id: 'u-1', value: 7_654_321, evidence: { input: { long: 7_654_321 } } }),
      award(1, {
        type: 'title_revoked',
        user_id: 'u-1',
        reason: 'overtaken',
        value: 7_654_321,
        rank: 2,
        revokes: award(0).award_id,
      }),
      award(2, { user_id: 'u-2', previous_holder: 'u-1', reason: 'overtook', value: 8_765_432, runner_up: 7_654_321 }),
    ]);
    ({ url } = await stack.startApi());
    const before = await get<TeamsJson>('/v1/teams');
    expect(before).toMatchObject({
      teams: [{ team: 'red', users: 6, figures: 'exact', total_tokens: '27000000' }],
      other: null,
    });

    for (const user of ['u-1', 'u-3', 'u-4', 'u-5', 'u-6'])
      await stack.choose(user, { visibility: 'hidden', handle: `shy-${user}` });
    await eventually(async () => ((await board()).people === 1 ? true : undefined));
    expect(await listed()).toEqual([[1, 'u-2', generatedHandle('u-2'), null, 'exact', '6000000']]);
    const answers = await everything();
    for (const user of ['u-1', 'u-3', 'u-4', 'u-5', 'u-6']) {
      expect(answers).not.toContain(user);
      expect(answers).not.toContain(generatedHandle(user));
    }
    for (const exact of ['7654321', '"7000000"']) expect(answers).not.toContain(exact);
    await eventually(async () =>
      (await get<TeamsJson>('/v1/teams')).teams[0]?.figures === 'rounded' ? true : undefined,
    );
    expect((await get<TeamsJson>('/v1/teams')).teams).toMatchObject([
      { team: 'red', users: 6, total_tokens: '27000000' },
    ]);

    const { awards } = await get<AwardsJson>('/v1/awards');
    expect(awards).toMatchObject([
      {
        ordinal: 2,
        withheld: false,
        user_id: 'u-2',
        previous_holder: null,
        previous_holder_handle: null,
        runner_up: 7_600_000,
      },
      {
        ordinal: 1,
        withheld: true,
        user_id: null,
        handle: null,
        name: null,
        figures: null,
        rank: null,
        value: null,
        evidence: {},
      },
      {
        ordinal: 0,
        withheld: true,
        user_id: null,
        handle: null,
        name: null,
        figures: null,
        rank: null,
        value: null,
        evidence: {},
      },
    ]);
    expect((await get<TitlesJson>('/v1/titles')).titles[0]?.standings).toMatchObject([{ user_id: 'u-2', rank: 1 }]);
    // Like somebody who was never there.
    expect(await answerOf('u-1')).toEqual(await answerOf('u-8'));
    expect(await get('/v1/awards?user=u-1')).toEqual({ awards: [], next_cursor: null });

    const stream = await fetch(`${url}/v1/awards/stream?last_event_id=-1`);
    let text = '';
    for await (const chunk of stream.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString();
      if (text.split('event: award').length > 3) break;
    }
    expect(text).toContain('"withheld":true');
    expect(text).not.toContain('u-1');

    await stack.choose('u-2', { visibility: 'hidden' });
    await eventually(async () =>
      (await get<TitlesJson>('/v1/titles')).titles[0]?.holders.length === 0 ? true : undefined,
    );
  });

  it('are hidden from the first answer on where the company hides, but for those who want to be seen', async () => {
    await stack.store([spend('u-1', 2000), spend('u-2', 1000)]);
    await stack.choose('u-2', { visibility: 'handle' });
    ({ url } = await stack.startApi({ LAUREL_PEOPLE_VISIBILITY: 'hidden', LAUREL_PEOPLE_FIGURES: 'bands' }));
    expect((await board()).entries.map(({ user_id, figures }) => [user_id, figures])).toEqual([['u-2', 'exact']]);
    expect(await answerOf('u-1')).toEqual(await answerOf('u-8'));
  });

  it('are not listed from what was read before they hid, nor before their choices were read', async () => {
    await stack.store([spend('u-1', 2000), spend('u-2', 1000)]);
    const starting = await stack.startApi({ LAUREL_KAFKA_BROKERS: '127.0.0.1:1' }, false);
    // Of sums nobody's choice is needed, so that this tells when the tables are there.
    await eventually(async () => ((await fetch(`${starting.url}/v1/models`)).status === 200 ? true : undefined));
    for (const path of ['/v1/leaderboards/total_tokens', '/v1/users/u-1', '/v1/titles', '/v1/awards']) {
      const response = await fetch(starting.url + path);
      expect([path, response.status]).toEqual([path, 503]);
    }
    await starting.stop();
    ({ url } = await stack.startApi());
    expect((await board()).people).toBe(2);
    // The topic alone, as in the moment before the tables know it.
    await stack.choose('u-1', { visibility: 'hidden' });
    await stack.clickhouse.command({ query: 'TRUNCATE TABLE people_choices' });
    await eventually(async () => ((await board()).entries.some(({ user_id }) => user_id === 'u-1') ? undefined : true));
    expect(await everything()).not.toContain('u-1');
  });

  it('can’t be worked out of a team’s or model’s sum: few are merged, and what would give one away is withheld', async () => {
    const team = (name: string, from: number, count: number, fields: object = {}) =>
      Array.from({ length: count }, (_, index) => spend(`u-${from + index}`, 1_000_000, { team: name, ...fields }));
    await stack.store([
      ...team('red', 0, 6),
      ...team('blue', 10, 5),
      ...team('tiny', 20, 2),
      ...team('mixed', 30, 5, { model: 'rare' }),
      spend('u-0', 500_000, { team: null }),
    ]);
    ({ url } = await stack.startApi());
    const [red, blue] = [
      { team: 'red', users: 6 },
      { team: 'blue', users: 5 },
    ];
    // Three are too few, so that the least of the others joins them.
    expect(await get('/v1/teams')).toMatchObject({
      least_people: 5,
      teams: [red, blue],
      other: { groups: 3, withheld: false, figures: 'exact', total_tokens: '7500000' },
    });

    // One who hides in a large team: neither it nor, with all others shown, the rest.
    await stack.choose('u-30', { visibility: 'hidden' });
    await eventually(async () => ((await get<ModelsJson>('/v1/models')).other === null ? undefined : true));
    const one = await eventually(async () => {
      const teams = await get<TeamsJson>('/v1/teams');
      return teams.other?.withheld === true ? teams : undefined;
    });
    expect(one.teams).toMatchObject([red, blue]);
    expect(one.other).toEqual({ groups: 3, withheld: true });
    const models = await get<ModelsJson>('/v1/models');
    expect(models.models.map(({ model }) => model)).toEqual(['claude-sonnet-4-5']);
    expect(models.other).toEqual({ groups: 1, withheld: true });
    expect(models.models[0]?.share).toBe(1);

    // Five who hide hide each other.
    for (let person = 31; person < 35; person += 1) await stack.choose(`u-${person}`, { visibility: 'hidden' });
    await eventually(async () => ((await get<TeamsJson>('/v1/teams')).other?.withheld === false ? true : undefined));
    const five = await get<TeamsJson>('/v1/teams');
    expect(five.teams).toMatchObject([red, blue]);
    expect(five.other).toMatchObject({ groups: 3, withheld: false, figures: 'rounded', total_tokens: '7500000' });
    await eventually(async () => ((await get<ModelsJson>('/v1/models')).other === null ? true : undefined));
    expect((await get<ModelsJson>('/v1/models')).models).toMatchObject([
      { model: 'claude-sonnet-4-5', figures: 'exact' },
      { model: 'rare', users: 5, figures: 'rounded' },
    ]);
  });
});
