import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from './pipeline/eventually.js';
import { Pipeline } from './pipeline/pipeline.js';
import { usage } from './pipeline/usage.js';

const DAY_MS = 86_400_000;
const run = promisify(execFile);

interface Costs {
  readonly model: string;
  readonly cost: string;
  readonly saving: string;
  readonly unpriced: string;
}

describe('list prices, from an event to a figure', () => {
  let pipeline: Pipeline;
  let folder: string;
  let file: string;

  beforeAll(async () => {
    pipeline = await Pipeline.create(['usage-ingest', 'usage-projector']);
    folder = await mkdtemp(join(tmpdir(), 'laurel-prices-'));
    file = join(folder, 'prices.yaml');
    await writeFile(file, 'prices:\n  - { provider: own, model: ours, input: 2, output: 4 }\n');
  });
  afterAll(async () => {
    await pipeline.close();
    await rm(folder, { recursive: true });
  });

  const costs = (): Promise<Costs[]> =>
    pipeline.rows<Costs>(
      `SELECT model, toString(sum(t.list_cost_usd)) AS cost, toString(sum(t.cache_saving_usd)) AS saving, sum(t.unpriced_events) AS unpriced
       FROM model_usage_by_day AS t GROUP BY model ORDER BY model`,
    );
  const prices = (args: readonly string[], environment: NodeJS.ProcessEnv = {}) =>
    run(process.execPath, [fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url)), 'prices', ...args], {
      env: { ...process.env, ...pipeline.environment, ...environment },
    });

  const known = { model: 'claude-sonnet-4-5', cost: '2.1', saving: '8.1', unpriced: '0' };
  const unknown = { model: 'ours', cost: '0', saving: '0', unpriced: '3' };

  it('are there before the first figure, and what has none is counted', async () => {
    const at = Date.now() - 4 * DAY_MS;
    await pipeline.publish([
      usage({ model: 'claude-sonnet-4-5', tokens: { input: 1_000, cache_read: 150_000 }, occurred_at: at }),
      ...[1, 2, 3].map((n) =>
        usage({ provider: 'own', model: 'ours', tokens: { input: 1_000_000 }, occurred_at: Date.now() - n * DAY_MS }),
      ),
      ...Array.from({ length: 19 }, () =>
        usage({ model: 'claude-sonnet-4-5', tokens: { cache_read: 150_000 }, occurred_at: at, status: 'error' }),
      ),
      usage({ model: 'claude-sonnet-4-5', tokens: { output: 79_800 }, occurred_at: at }),
    ]);
    await pipeline.settled();
    expect(await costs()).toEqual([known, unknown]);
    const { stdout } = await prices(['list', '--unpriced', '--json']);
    expect(JSON.parse(stdout)).toMatchObject([{ provider: 'own', model: 'ours', prices: [{ priced: false }] }]);
  });

  it('change nothing that was priced, where a new list comes with a restart and another event of the day', async () => {
    await pipeline.service('usage-ingest').end('SIGTERM');
    await pipeline.start('usage-ingest', { LAUREL_PRICES_FILE: file });
    await pipeline.publish([
      usage({
        provider: 'own',
        model: 'ours',
        tokens: { input: 1 },
        occurred_at: Date.now() - DAY_MS,
        user_id: 'u-bo',
      }),
    ]);
    await pipeline.settled();
    expect(await costs()).toEqual([known, { ...unknown, unpriced: '4' }]);
  });

  it('are applied to history by a command, which shows it first', async () => {
    const environment = { LAUREL_PRICES_FILE: file };
    const preview = await prices(['reprice', '--json'], environment);
    const document = JSON.parse(preview.stdout) as { applied: boolean; days: readonly Record<string, unknown>[] };
    expect(document.applied).toBe(false);
    expect(document.days).toHaveLength(3);
    expect(document.days[2]).toMatchObject({
      provider: 'own',
      model: 'ours',
      events: 2,
      before: { list_cost_usd: '0', cache_saving_usd: '0', unpriced_events: 2 },
      after: { list_cost_usd: '2.000002', cache_saving_usd: '0', unpriced_events: 0 },
    });
    expect(await costs()).toEqual([known, { ...unknown, unpriced: '4' }]);

    const from = new Date(Date.now() - 2 * DAY_MS).toISOString().slice(0, 10);
    const applied = await prices(['reprice', '--from', from, '--yes'], environment);
    expect(applied.stdout).toMatch(/Applied/);
    let seen: unknown;
    await eventually(
      'the days to be rolled by the new prices',
      async () => {
        const now = await costs();
        seen = now;
        return now[1]?.cost === '4.000002' && now[1].unpriced === '1';
      },
      { describe: () => seen },
    );
    expect((await costs())[0]).toEqual(known);
    const again = await prices(['reprice', '--from', from], environment);
    expect(again.stdout).toBe('All prices are those of the list.\n');
  });

  it('in a file with faults are refused, each with its line, by the command and by the service', async () => {
    const broken = join(folder, 'broken.yaml');
    await writeFile(broken, 'prices:\n  - provider: own\n    model: ours\n    input: cheap\n');
    const faults = `${broken}:4: prices[0].input: Invalid input: expected number, received string`;
    await expect(prices(['check', broken])).rejects.toMatchObject({ code: 1, stderr: `${faults}\n` });
    expect((await prices(['check', file])).stdout).toBe(`${file} is sound\n`);
    await expect(prices(['reprice'], { LAUREL_PRICES_FILE: broken })).rejects.toMatchObject({
      code: 78,
      stderr: expect.stringContaining(faults) as string,
    });
    const ingest = fileURLToPath(new URL('../../usage-ingest/dist/main.js', import.meta.url));
    const environment = { ...process.env, ...pipeline.environment, LAUREL_PRICES_FILE: broken };
    await expect(run(process.execPath, [ingest, '--validate'], { env: environment })).rejects.toMatchObject({
      code: 78,
      stderr: expect.stringContaining(faults) as string,
    });
  });
});
