import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from './pipeline/eventually.js';
import { Pipeline } from './pipeline/pipeline.js';
import { usage } from './pipeline/usage.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const EXAMPLES = `${ROOT}examples/`;
/** The first run installs the Python packages. */
const WITH_INSTALL_MS = 300_000;

/**
 * The examples use the topics' real names, so they run on a Laurel without a prefix: the only one of the test run.
 */
describe('the examples', () => {
  let pipeline: Pipeline;
  let python: string;
  const brokers = process.env['LAUREL_TEST_KAFKA_BROKERS'] ?? '';

  /** Runs one to its end and returns its lines of JSON. */
  const lines = async (command: string, ...args: string[]): Promise<Record<string, unknown>[]> => {
    const { stdout } = await run(command, [...args, '--brokers', brokers], { cwd: ROOT });
    return stdout
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  beforeAll(async () => {
    await run(process.execPath, [`${ROOT}node_modules/typescript/bin/tsc`, '-p', EXAMPLES], { cwd: ROOT });
    python = (await run('bash', [`${EXAMPLES}venv.sh`], { cwd: ROOT })).stdout.trim();
    pipeline = await Pipeline.create(['usage-ingest', 'usage-projector', 'title-awarder', 'api'], {}, '');
  }, WITH_INSTALL_MS);

  afterAll(() => pipeline.close());

  it.each([
    ['TypeScript', () => [process.execPath, `${EXAMPLES}dist/publisher.js`], 'u-typescript'],
    ['Python', () => [python, `${EXAMPLES}publisher.py`], 'u-python'],
  ])('publish from %s what is then counted', async (_, command, user) => {
    const [program = '', script = ''] = command();
    const published = await lines(program, script, '--count', '9', '--outcomes', '2', '--user', user);
    expect(published).toHaveLength(11);
    await pipeline.settled();
    expect(await pipeline.rows(`SELECT sum(events) AS events FROM usage WHERE user_id = '${user}'`)).toEqual([
      { events: '9' },
    ]);
    expect(await pipeline.rows(`SELECT sum(events) AS outcomes FROM outcomes WHERE user_id = '${user}'`)).toEqual([
      { outcomes: '2' },
    ]);
    expect(await pipeline.service('usage-ingest').metric('laurel_dead_letters_total')).toBe(0);
  });

  it('subscribe in both languages to the same awards and holders', async () => {
    await pipeline.publish([usage({ user_id: 'u-lead', session_id: 's', tokens: { input: 400_000 } })]);
    await eventually('an award', async () => {
      const { awards } = await pipeline.get<{ awards: readonly { user_id: string }[] }>('/v1/awards');
      return awards.some((award) => award.user_id === 'u-lead');
    });
    const inTypeScript = await lines(process.execPath, `${EXAMPLES}dist/subscriber.js`, '--idle-seconds', '5');
    const inPython = await lines(python, `${EXAMPLES}subscriber.py`, '--idle-seconds', '5');
    const awards = (records: Record<string, unknown>[]): unknown[] =>
      records
        .filter((record) => record['topic'] === 'titles.awards.v1')
        .map((record) => (record['value'] as { award_id: string }).award_id);
    expect(awards(inTypeScript).length).toBeGreaterThan(0);
    expect(awards(inPython)).toEqual(awards(inTypeScript));
  });
});
