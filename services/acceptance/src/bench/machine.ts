import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';

/** What figures were measured on; they mean nothing without it. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly clickhouse: string;
  readonly commit: string;
  readonly at: string;
}

/** @param clickhouse its version. */
export function thisMachine(clickhouse: string): Machine {
  const [cpu] = cpus();
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  const isClean = git('status', '--porcelain', '--untracked-files=no') === '';
  return {
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `Linux ${release()}`,
    node: process.version,
    clickhouse,
    commit: git('rev-parse', '--short', 'HEAD') + (isClean ? '' : ', with changes'),
    at: new Date().toISOString(),
  };
}
