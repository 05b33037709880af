import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** Bound on any wait in these tests, ms. */
const TIMEOUT_MS = 30_000;

/** Waits for a condition. @throws Error when it isn't true within 30 s, so that a failing test ends. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not so within ${TIMEOUT_MS} ms: ${condition.toString()}`);
    await sleep(10);
  }
}

/** Whether there is a process of that id. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/**
 * Has another process start one by `start` (an exported function of this library), and kills that process.
 *
 * @returns the id of the process that was started.
 */
export async function startAndKillParent(start: 'startKafka' | 'startClickHouse', dataDir: string): Promise<number> {
  const library = new URL('../../dist/index.js', import.meta.url).href;
  const script = `import { ${start} } from ${JSON.stringify(library)};
    const { pid } = await ${start}({ dataDir: ${JSON.stringify(dataDir)} });
    console.log(pid);`;
  const args = ['--input-type=module', '--eval', script];
  const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  parent.kill('SIGKILL');
  return Number(line.toString());
}
