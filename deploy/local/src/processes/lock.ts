import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { hasCode } from '../error-code.js';

const run = promisify(execFile);

/** A held lock. It needs no release: it is void as soon as its holder is gone. */
export interface Lock {
  /** Makes another process the holder. */
  handOver(pid: number): Promise<void>;
}

/**
 * Takes a lock file for this process.
 *
 * The file names a process by its id and the time of its start, so that what a killed process left, even one whose id
 * belongs to another by now, doesn't hold.
 *
 * @throws Error that names the process that holds it.
 */
export async function takeLock(path: string, what: string): Promise<Lock> {
  const mine = `${path}.${randomUUID()}`;
  const handOver = async (pid: number): Promise<void> => {
    await writeFile(mine, (await identityOf(pid)) ?? '');
    await rename(mine, path);
  };
  await writeFile(mine, (await identityOf(process.pid)) ?? '');
  try {
    while (!(await linked(mine, path))) await clearStale(path, what);
  } finally {
    await rm(mine, { force: true });
  }
  return { handOver };
}

/** A link is made only where nothing is, and with its content: nobody ever reads half a lock. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function clearStale(path: string, what: string): Promise<void> {
  const holder = await readIfThere(path);
  if (holder === undefined) return;
  const pid = Number(holder.split(' ')[0]);
  if ((await identityOf(pid)) === holder) {
    throw new Error(`${what} is in use by another process (pid ${pid}). End that one, or choose another directory.`);
  }
  // Whoever moves the stale file away may remove it. Another process may have put a new lock there meanwhile: it goes back.
  const aside = `${path}.${randomUUID()}`;
  if (!(await renamed(path, aside))) return;
  if ((await readIfThere(aside)) !== holder) await linked(aside, path);
  await rm(aside, { force: true });
}

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** `pid start-time`, or undefined when there is no such process. */
async function identityOf(pid: number): Promise<string | undefined> {
  if (existsSync('/proc/self/stat')) {
    // Field 22 is the start in clock ticks since boot (proc(5)); the name before it, in parentheses, may hold blanks.
    const stat = await readIfThere(`/proc/${pid}/stat`);
    const start = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return start === undefined ? undefined : `${pid} ${start}`;
  }
  const ps = await run('ps', ['-o', 'lstart=', '-p', String(pid)]).catch(() => undefined);
  return ps === undefined ? undefined : `${pid} ${ps.stdout.trim()}`;
}
