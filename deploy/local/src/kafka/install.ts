import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The version in kafka/pom.xml; the cache folder is named after it. */
const KAFKA_VERSION = '4.3.0';
const KAFKA_FOLDER = fileURLToPath(new URL('../../kafka/', import.meta.url));
const CACHE = fileURLToPath(new URL('../../../../.laurel/cache/', import.meta.url));

/** Log configuration for the broker. */
export const LOG4J_CONFIGURATION = join(KAFKA_FOLDER, 'log4j2.properties');

/**
 * The folder with Kafka's jars, fetched by Maven if it isn't there yet.
 *
 * Processes may do so at once: each fetches into a folder of its own, and the first rename wins.
 *
 * @throws Error that names what to install when Java or Maven is missing.
 */
export async function installKafka(onProgress: (line: string) => void): Promise<string> {
  const jars = join(CACHE, `kafka-${KAFKA_VERSION}`);
  await requireTool('java', ['-version'], 'Java 17 or newer (for example: apt install openjdk-17-jre-headless)');
  if (existsSync(jars)) return jars;
  await requireTool('mvn', ['-version'], 'Apache Maven (for example: apt install maven)');
  onProgress(`Fetching Apache Kafka ${KAFKA_VERSION} (about 100 MB, once) …`);
  await mkdir(dirname(jars), { recursive: true });
  const fetched = await mkdtemp(`${jars}.`);
  try {
    const output = `-DoutputDirectory=${fetched}`;
    await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', output], {
      cwd: KAFKA_FOLDER,
    });
    await rename(fetched, jars);
  } catch (error) {
    await rm(fetched, { recursive: true, force: true });
    if (!existsSync(jars)) throw fetchFailed(error);
  }
  return jars;
}

async function requireTool(command: string, args: string[], install: string): Promise<void> {
  try {
    await run(command, args);
  } catch (cause) {
    throw new Error(`The local Kafka needs ${install}: "${command}" could not be run.`, { cause });
  }
}

function fetchFailed(cause: unknown): Error {
  const said = cause instanceof Error && 'stdout' in cause ? String(cause.stdout).trim() : String(cause);
  return new Error(`Maven could not fetch Apache Kafka ${KAFKA_VERSION}:\n${said}`, { cause });
}
