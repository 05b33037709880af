import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Ends `child` when this process dies, however it dies.
 *
 * A shell waits for the end of a pipe that only this process holds open: the kernel closes it on `kill -9` too. It asks
 * with SIGTERM first and insists after ten seconds. It runs in its own process group, so that Ctrl-C reaches it no
 * sooner than it reaches `child`.
 */
export function endWithThisProcess(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  const script = 'cat >/dev/null; kill -TERM "$0" 2>/dev/null && sleep 10 && kill -KILL "$0" 2>/dev/null';
  const guard = spawn('sh', ['-c', script, String(pid)], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  child.once('exit', () => guard.kill('SIGKILL'));
}
