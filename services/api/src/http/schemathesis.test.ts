import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { tokenScopes } from '@laurel/policy';
import { award, handovers, usage } from '../testing/events.js';
import { guardedApi, makeToken } from '../testing/signed-in.js';
import { testStack, type TestStack } from '../testing/stack.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const REQUIREMENTS = 'services/api/contract/requirements.txt';
const run = promisify(execFile);

/** They answer for as long as somebody listens; their parameters are tried elsewhere. */
const ENDLESS = ['streamAwards', 'streamLeaderboard', 'streamFigures'];

/** How long it may draw requests, in seconds. */
const TIME_S = 45;

/**
 * Left out is whether everything that the document lets through is accepted: bytes are bounded, which JSON Schema can't say, and
 * a cursor is what an answer gave.
 */
const EXCLUDED = 'positive_data_acceptance';

describe('drawn requests', () => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await testStack();
    const occurred_at = new Date(Date.now() - 86_400_000).toISOString();
    await stack.store(
      Array.from({ length: 7 }, (_, index) =>
        usage({ user_id: `u-${index}`, team: 'red', occurred_at, tokens: { input: 1000 + index } }),
      ),
    );
    await stack.choose('u-2', { visibility: 'hidden' });
    await stack.append([...handovers(0, 5), award(0, { title_id: 'cache_wizard', user_id: 'u-2' })]);
  });
  afterAll(() => stack.stop());

  it('find no answer that is not documented, no error of the server, and nothing open that is not to be', async () => {
    const api = await guardedApi(stack);
    const { token } = await makeToken(stack, tokenScopes);
    const { stdout } = await run('sh', ['examples/venv.sh', REQUIREMENTS, 'contract-venv'], { cwd: ROOT });
    const tester = spawn(
      join(dirname(stdout.trim()), 'schemathesis'),
      [
        ...['--config-file', join(ROOT, 'services/api/contract/schemathesis.toml')],
        ...['run', `${api.url}/v1/openapi.json`],
        ...['--header', `Authorization: Bearer ${token}`],
        ...['--checks', 'all', '--exclude-checks', EXCLUDED],
        ...ENDLESS.flatMap((id) => ['--exclude-operation-id', id]),
        ...['--phases', 'examples,coverage,fuzzing', '--max-examples', '60', '--max-time', String(TIME_S)],
        ...['--workers', '2', '--request-timeout', '20', '--generation-database', 'none', '--continue-on-failure'],
        ...['--warnings', 'off', '--no-color'],
      ],
      // It keeps what it found where it runs.
      { cwd: await mkdtemp(join(tmpdir(), 'laurel-contract-')), stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const [out, err, [status]] = await Promise.all([
      text(tester.stdout),
      text(tester.stderr),
      once(tester, 'exit') as Promise<[number | null]>,
    ]);
    await api.stop();
    if (status !== 0) throw new Error(`${out}\n${err}`);
    expect(out).toMatch(/\d+ generated/);
  });
});
