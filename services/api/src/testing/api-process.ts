import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { RunningService } from '@laurel/service-host';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/**
 * The built service in a process of its own. Needed where failures of Node's sockets are judged: Jest gives a test other
 * built-in classes than Node's own, so that these are no instances of its Error.
 */
export async function startApiProcess(environment: Readonly<Record<string, string>>): Promise<RunningService> {
  // The channel is for its end: when the test's process dies, the service ends too.
  const child = spawn(process.execPath, [MAIN], {
    env: { ...environment, LAUREL_LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  if (child.stdout === null) throw new Error('the output is piped');
  const lines = createInterface({ input: child.stdout });
  const url = await Promise.race([
    new Promise<string>((resolve) => {
      lines.on('line', (line) => {
        const { msg, url: address } = JSON.parse(line) as { msg: string; url?: string };
        if (msg === 'started' && address !== undefined) resolve(address);
      });
    }),
    exited.then(([status]) => {
      throw new Error(`the API ended with status ${String(status)}`);
    }),
  ]);
  return {
    url,
    async stop() {
      child.kill('SIGTERM');
      const [status] = (await exited) as [number | null];
      if (status !== 0) throw new Error(`the API ended with status ${String(status)}`);
    },
  };
}
