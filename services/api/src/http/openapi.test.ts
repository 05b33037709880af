import { Validator } from '@seriousme/openapi-schema-validator';
import { description } from '../description.js';
import { Contract, type Operation } from '../testing/contract.js';
import { award, usage } from '../testing/events.js';
import { testStack, type TestStack } from '../testing/stack.js';
import { undescribedRoutes } from './undescribed-routes.js';

const yesterday = new Date(Date.now() - 86_400_000).toISOString();

/** One address at least for each operation, with what is to come; a new endpoint needs one here. */
const requests: Readonly<Record<string, readonly (readonly [path: string, status: number])[]>> = {
  getLeaderboard: [
    ['/v1/leaderboards/total_tokens', 200],
    ['/v1/leaderboards/events?window=all&limit=1&scope=team:red', 200],
    ['/v1/leaderboards/none?limit=0', 400],
    ['/v1/leaderboards/total_tokens?offset=2&limit=2&q=a&user=u-1', 200],
    ['/v1/leaderboards/total_tokens?user=u-3', 200],
    ['/v1/leaderboards/total_tokens?offset=-1&q=%20', 400],
  ],
  getTrends: [
    ['/v1/leaderboards/total_tokens/trends?limit=3&q=a', 200],
    ['/v1/leaderboards/total_tokens/trends?limit=251', 400],
  ],
  getModelDays: [
    ['/v1/models/days', 200],
    ['/v1/models/days?window=all', 200],
  ],
  streamFigures: [['/v1/figures/stream?x=1', 400]],
  getHistory: [
    ['/v1/users/u-1/history?window=7d', 200],
    ['/v1/users/u-3/history', 404],
  ],
  getSessions: [
    ['/v1/users/u-1/sessions', 200],
    ['/v1/users/u-3/sessions', 404],
  ],
  getPersonTitles: [
    ['/v1/users/u-1/titles', 200],
    ['/v1/users/u-2/titles', 200],
    ['/v1/users/u-3/titles', 404],
  ],
  getBadge: [
    ['/v1/users/u-1/badge.svg', 200],
    ['/v1/users/u-3/badge.svg', 404],
  ],
  getUser: [
    ['/v1/users/u-1', 200],
    ['/v1/users/u-1?window=all', 200],
    ['/v1/users/nobody', 404],
    ['/v1/users/%ZZ', 400],
  ],
  getModels: [['/v1/models', 200]],
  getTeams: [['/v1/teams?window=7d', 200]],
  listTitles: [
    ['/v1/titles', 200],
    ['/v1/titles?scope=team:red', 200],
  ],
  listTitleRules: [['/v1/titles/rules', 200]],
  listTitleHolders: [
    ['/v1/titles/holders', 200],
    ['/v1/titles/holders?as_of=2019-12-31', 400],
  ],
  listAwards: [
    ['/v1/awards', 200],
    ['/v1/awards?user=', 400],
  ],
  streamLeaderboard: [
    ['/v1/leaderboards/total_tokens/stream?limit=251', 400],
    ['/v1/leaderboards/total_tokens/stream?last_event_id=x', 400],
  ],
  // Where nobody signs in.
  getOwnSignals: [
    ['/v1/me/signals', 401],
    ['/v1/me/signals?window=x', 400],
  ],
  getOwnChoice: [
    ['/v1/me/choice?user=u-9', 200],
    ['/v1/me/choice', 401],
    ['/v1/me/choice?user=', 400],
  ],
  changeOwnChoice: [['/v1/me/choice?user=u-9', 400]],
  resetOwnChoice: [
    ['/v1/me/choice?user=u-9', 200],
    ['/v1/me/choice', 401],
  ],
  getOperations: [['/v1/operations', 200]],
  getSession: [['/v1/session', 200]],
  signIn: [
    ['/auth/login', 404],
    ['/auth/login?return_to=//x', 400],
  ],
  finishSignIn: [['/auth/callback?state=x', 404]],
  signOut: [['/auth/logout', 200]],
  listAccesses: [
    ['/v1/access-log', 200],
    ['/v1/access-log?limit=0', 400],
  ],
  streamAwards: [['/v1/awards/stream?last_event_id=x', 400]],
  getOpenApi: [['/v1/openapi.json', 200]],
  getReference: [['/v1/reference', 200]],
  getHealth: [['/health', 200]],
  getReadiness: [['/ready', 200]],
  getMetrics: [['/metrics', 200]],
};

describe('the OpenAPI document', () => {
  let stack: TestStack;
  let url: string;
  let contract: Contract;

  beforeAll(async () => {
    stack = await testStack();
    const people = ['u-1', 'u-2', 'u-3', 'u-4', 'u-5', 'u-6'];
    await stack.store([
      ...people.map((user_id) => usage({ user_id, team: 'red', occurred_at: yesterday, tokens: { input: 1000 } })),
      usage({ user_id: 'u-7', team: 'small', occurred_at: yesterday, tokens: { output: 7 } }),
    ]);
    await stack.choose('u-2', { figures: 'rounded', visibility: 'name', display_name: 'Bo' });
    await stack.choose('u-3', { visibility: 'hidden' });
    await stack.append([
      award(0, { evidence: { share: { double: 0.5 }, tokens: { long: 12 }, model: { string: 'x' } } }),
      award(1, { type: 'title_revoked', reason: 'overtaken', revokes: award(0).award_id }),
      award(2, { user_id: 'u-3', reason: 'overtook', previous_holder: 'u-1', runner_up: 3 }),
    ]);
    ({ url } = await stack.startApi());
    contract = await Contract.of(url);
  });
  afterAll(() => stack.stop());

  const operation = (id: string): Operation => {
    const found = contract.operations.find(({ operationId }) => operationId === id);
    if (found === undefined) throw new Error(`there is no ${id}`);
    return found;
  };

  it('is valid by the specification’s own schema', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(contract.document));
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
    expect(validator.version).toBe('3.1');
  });

  it('knows every operation under a name of its own', () => {
    const ids = contract.operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(Object.keys(requests).sort()).toEqual([...ids].sort());
  });

  it.each(Object.entries(requests).flatMap(([id, all]) => all.map(([path, status]) => [id, path, status] as const)))(
    'says what %s answers at %s',
    async (id, path, status) => {
      const { method } = operation(id);
      const response = await fetch(url + path, { method });
      expect(response.status).toBe(status);
      expect(await contract.faultsOf(operation(id), response)).toEqual([]);
    },
  );

  it('says of each parameter what it is unless given', async () => {
    const withDefault = contract.operations.flatMap((one) =>
      one.parameters.filter(({ schema }) => 'default' in schema).map((parameter) => ({ one, parameter })),
    );
    expect(withDefault.length).toBeGreaterThan(5);
    for (const { one, parameter } of withDefault) {
      const [path = ''] = requests[one.operationId]?.[0] ?? [];
      if (one.operationId.startsWith('stream') || one.path.startsWith('/auth/')) continue;
      const [plain, given] = await Promise.all(
        ['', `?${parameter.name}=${String(parameter.schema['default'])}`].map(async (query) => {
          const answer = (await (await fetch(`${url}${path.split('?')[0]}${query}`)).json()) as object;
          // Of a problem; each has another one.
          return { ...answer, request_id: undefined };
        }),
      );
      expect({ [one.operationId]: given }).toEqual({ [one.operationId]: plain });
    }
  });

  it('says of each text parameter what is refused', async () => {
    const patterns = contract.operations.flatMap((one) =>
      one.parameters.filter(({ schema }) => 'pattern' in schema).map((parameter) => ({ one, parameter })),
    );
    for (const { one, parameter } of patterns) {
      const pattern = new RegExp(String(parameter.schema['pattern']), 'u');
      for (const text of ['30d', '367d', 'x y', 'company', 'team:', 'team:é', '-1', '-2', '7', 'token_legend']) {
        if (parameter.in !== 'query' || one.operationId.startsWith('stream') || one.path.startsWith('/auth/')) continue;
        const [path = '', status] = requests[one.operationId]?.[0] ?? [];
        const answer = await fetch(`${url}${path.split('?')[0]}?${parameter.name}=${encodeURIComponent(text)}`);
        expect([one.operationId, parameter.name, text, answer.status]).toEqual([
          one.operationId,
          parameter.name,
          text,
          pattern.test(text) ? status : 400,
        ]);
      }
    }
  });

  it('is what the schemas that validate say: its file, from which clients are generated, was written anew', () => {
    expect(contract.document).toEqual(JSON.parse(JSON.stringify(description())));
  });

  it('would not let the service start with a route that it does not know', () => {
    const routes = [
      { url: '/v1/users/:id', methods: ['GET', 'HEAD'] },
      { url: '/v1/users/:id', methods: ['DELETE'] },
      { url: '/v1/secret', methods: ['GET'] },
      { url: '/assets/*', methods: ['GET'] },
    ];
    expect(undescribedRoutes(routes, contract.document)).toEqual(['DELETE /v1/users/:id', 'GET /v1/secret']);
  });

  it('is a page for people too, without scripts, and without anything from another host', async () => {
    const response = await fetch(`${url}/v1/reference`);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none';style-src 'sha256-[\w+/=]+';base-uri 'none';form-action 'none';frame-ancestors 'none'$/,
    );
    const html = await response.text();
    for (const { operationId } of contract.operations) expect(html).toContain(`<section id="${operationId}">`);
    expect(html).not.toMatch(/<script|<img|<link|javascript:|\son\w+=|https?:\/\//i);
    const names = Object.keys((contract.document['components'] as { schemas: object }).schemas);
    const links = [...html.matchAll(/href="#schema-(\w+)"/g)].map(([, name]) => name);
    expect([...new Set(links)].filter((name) => !names.includes(name ?? ''))).toEqual([]);
  });
});
