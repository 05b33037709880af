import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DEFAULT_SEED, demoEvents } from './demo-events.js';
import { demoOutcomes } from './demo-outcomes.js';
import { readTrace } from './trace-file.js';

const ORACLE = fileURLToPath(new URL('../../../acceptance/oracle', import.meta.url));
const run = promisify(execFile);
const python = async (...args: string[]): Promise<string> =>
  (await run('python3', args, { cwd: ORACLE, maxBuffer: 64 * 1024 * 1024 })).stdout;

/** Each run derives the whole recording; a busy machine takes several times the usual second. */
const TIMEOUT_MS = 60_000;

interface Expected {
  readonly titles: Record<string, { holder: { user_id: string; value: number }; runner_up: number }>;
}

describe('the independent script', () => {
  it.each([
    [DEFAULT_SEED, Date.UTC(2026, 10, 22, 8)],
    ['ünother/seed', Date.UTC(2027, 0, 1) - 1],
  ])(
    'derives the same events and outcomes as the demo, one by one (seed %s)',
    async (seed, anchorMs) => {
      const printed = async (what: string): Promise<unknown[]> => {
        const lines = await python('expected.py', '--seed', seed, '--anchor', String(anchorMs), what);
        return lines
          .trim()
          .split('\n')
          .map((line): unknown => JSON.parse(line));
      };
      const events = demoEvents(await readTrace(), { seed, anchorMs });
      expect(events).toEqual(await printed('--print-events'));
      expect(demoOutcomes(events, { seed, anchorMs })).toEqual(await printed('--print-outcomes'));
    },
    TIMEOUT_MS,
  );

  it(
    'computes what was worked out by hand',
    async () => {
      await expect(python('-m', 'unittest', '-q')).resolves.toBeDefined();
    },
    TIMEOUT_MS,
  );

  it(
    'finds six different holders, well ahead of the next, with the default seed',
    async () => {
      for (const anchorMs of [Date.UTC(2026, 10, 22, 8), Date.UTC(2026, 10, 25), Date.UTC(2026, 10, 27, 23, 59)]) {
        const { titles } = JSON.parse(await python('expected.py', '--anchor', String(anchorMs))) as Expected;
        const holders = Object.values(titles);
        expect(new Set(holders.map(({ holder }) => holder.user_id)).size).toBe(6);
        for (const { holder, runner_up } of holders) expect(holder.value / runner_up).toBeGreaterThan(1.1);
      }
    },
    TIMEOUT_MS,
  );
});
