import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second, whatever its kernel's own clock (proc(5), sysconf(_SC_CLK_TCK)). */
const TICKS_A_SECOND = 100;

/**
 * CPU seconds that a process has used so far, in user and in kernel mode, all its threads together.
 *
 * @throws Error when there is no such process, or no /proc.
 */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the program's name in brackets, which may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [fields[11], fields[12]];
  return (Number(user) + Number(system)) / TICKS_A_SECOND;
}

/** Most memory that a process has had resident, in MiB (proc(5), VmHWM). */
export function peakMiBOf(pid: number): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}

/** What a set of processes uses from now on. */
export class CpuMeter {
  private readonly before: ReadonlyMap<string, number>;
  private readonly began = performance.now();

  /** @param pids by the name that their use is told under. One that begins later counts from 0: see `stop`. */
  constructor(private readonly pids: Readonly<Record<string, number>>) {
    this.before = new Map(Object.entries(pids).map(([name, pid]) => [name, cpuSecondsOf(pid)]));
  }

  /** @param begun processes that began since, and have to be alive still. */
  stop(begun: Readonly<Record<string, number>> = {}): Cost {
    const cpu = Object.fromEntries([
      ...Object.entries(this.pids).map(([name, pid]) => [name, cpuSecondsOf(pid) - (this.before.get(name) ?? 0)]),
      ...Object.entries(begun).map(([name, pid]) => [name, cpuSecondsOf(pid)]),
    ]) as Record<string, number>;
    return { wallSeconds: (performance.now() - this.began) / 1000, cpu };
  }
}

/** What one run took. */
export interface Cost {
  readonly wallSeconds: number;
  /** CPU seconds by process. */
  readonly cpu: Readonly<Record<string, number>>;
}
