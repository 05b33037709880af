import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How long a Docker engine may take to answer, ms: a client without an engine can hang. */
const DOCKER_TIMEOUT_MS = 5_000;

/** The two ways to run Kafka and ClickHouse. */
export type StackKind = 'docker' | 'local';

/**
 * Containers where a Docker engine answers, else processes of this machine. `LAUREL_STACK=docker|local` overrides it.
 *
 * @throws Error when `LAUREL_STACK` is neither.
 */
export async function chooseStack(env: NodeJS.ProcessEnv = process.env): Promise<StackKind> {
  const wanted = env['LAUREL_STACK'];
  if (wanted === 'docker' || wanted === 'local') return wanted;
  if (wanted !== undefined && wanted !== '') throw new Error(`LAUREL_STACK must be docker or local, not "${wanted}"`);
  return (await dockerAnswers(env)) ? 'docker' : 'local';
}

/** A `docker` command may be there without an engine; it then prints client facts, and can still end with status 0. */
async function dockerAnswers(env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    const { stdout } = await run('docker', ['info', '--format', '{{.ServerVersion}}'], {
      timeout: DOCKER_TIMEOUT_MS,
      env,
    });
    return /^\d+\./.test(stdout.trim());
  } catch {
    return false;
  }
}
