import { spawn } from 'node:child_process';

export interface Ended {
  /** null when it was killed for running too long. */
  readonly code: number | null;
  readonly output: string;
  readonly tookMs: number;
}

/** Runs a program to its end, at most `timeoutMs`; what it prints on both streams is the output. */
export function run(
  command: string,
  args: readonly string[],
  { cwd, timeoutMs, env = {} }: { cwd: string; timeoutMs: number; env?: NodeJS.ProcessEnv },
): Promise<Ended> {
  const startedAt = performance.now();
  // Jest's own flags and conditions must not reach the program.
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output, tookMs: performance.now() - startedAt }));
  });
}
