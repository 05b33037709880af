import { InvalidArgumentError } from 'commander';
import { fileURLToPath } from 'node:url';
import { freePortFrom } from './ports.js';

/** Where data is kept unless the user says otherwise. */
export const DATA_DIR = fileURLToPath(new URL('../../../.laurel/data', import.meta.url));

/** Parses the value of a port option. */
export function portNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) throw new InvalidArgumentError('not a port');
  return value;
}

/** The wanted port, or the next free one, and then says so. */
export async function portFor(name: string, wanted: number): Promise<number> {
  const port = await freePortFrom(wanted);
  if (port !== wanted) console.log(`Port ${wanted} is taken: ${name} gets ${port}.`);
  return port;
}

/** Resolves at the first signal; a second one doesn't wait for a clean end. Keeps the process alive until then. */
export function firstSignal(): Promise<void> {
  const alive = setInterval(() => undefined, 60_000);
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        clearInterval(alive);
        resolve();
        process.on(signal, () => process.exit(1));
      });
    }
  });
}
