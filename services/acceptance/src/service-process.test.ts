import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Pipeline } from './pipeline/pipeline.js';

const main = (service: string): string => fileURLToPath(new URL(`../../${service}/dist/main.js`, import.meta.url));
const SERVICES = ['usage-ingest', 'usage-projector', 'title-awarder', 'api'] as const;

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a service to its end. Only what is given is in its environment. */
async function run(service: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const child = spawn(process.execPath, [main(service), ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (text.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text.err += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, ...text };
}

describe.each(SERVICES)('the process of %s', (service) => {
  it('says all that is wrong with its configuration, without what was given, and ends with EX_CONFIG', async () => {
    const env = {
      LAUREL_KAFKA_BROKERS: 'hunter2',
      LAUREL_KAFKA_SASL_MECHANISM: 'hunter2',
      LAUREL_KAFKA_SASL_PASSWORD: 'hunter2',
      LAUREL_CLICKHOUSE_URL: 'hunter2',
      LAUREL_HTTP_PORT: 'hunter2',
    };
    for (const args of [['--validate'], []]) {
      const { status, out, err } = await run(service, args, env);
      expect(status).toBe(78);
      expect(out).toBe('');
      const variables = err
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]);
      expect(new Set(variables)).toEqual(
        new Set(['LAUREL_KAFKA_BROKERS', 'LAUREL_KAFKA_SASL_MECHANISM', 'LAUREL_CLICKHOUSE_URL', 'LAUREL_HTTP_PORT']),
      );
      expect(err).not.toContain('hunter2');
    }
  });

  it('finds a sound configuration valid without any other process', async () => {
    const { status, out } = await run(service, ['--validate'], { LAUREL_KAFKA_BROKERS: 'nowhere.invalid:1' });
    expect({ status, out }).toEqual({ status: 0, out: `${service}: the configuration is valid\n` });
  });

  it('lists every setting', async () => {
    const { status, out } = await run(service, ['--help'], {});
    expect(status).toBe(0);
    expect(out).toContain(`${service}: `);
    for (const variable of ['LAUREL_KAFKA_BROKERS', 'LAUREL_CLICKHOUSE_URL', 'LAUREL_HTTP_PORT', 'LAUREL_LOG_LEVEL']) {
      expect(out).toContain(`  ${variable} `);
    }
  });

  it('refuses an option that it does not know', async () => {
    const { status, err } = await run(service, ['--valdate'], {});
    expect(status).toBe(64);
    expect(err).toContain('--valdate');
    expect(err).not.toContain('    at ');
  });
});

describe('service processes on a stack', () => {
  let pipeline: Pipeline;

  beforeAll(async () => {
    pipeline = await Pipeline.create([]);
  });

  afterAll(() => pipeline.close());

  it.each(SERVICES)('end in order when asked to, as %s does', async (service) => {
    const started = await pipeline.start(service);
    for (const [path, status] of [
      ['/health', 200],
      ['/ready', 200],
      ['/metrics', 200],
    ] as const) {
      expect((await fetch(started.url + path)).status).toBe(status);
    }
    await started.end('SIGTERM');
    expect(await started.ended()).toBe(0);
  });

  it.each(['usage-ingest', 'usage-projector', 'title-awarder'])(
    'end with a clear word where there is no migrated database, as %s does',
    async (service) => {
      const { status, out } = await run(service, [], {
        ...pipeline.environment,
        LAUREL_CLICKHOUSE_DATABASE: 'never_migrated',
        LAUREL_HTTP_PORT: '0',
      });
      expect(status).toBe(1);
      expect(out).toContain('laurel migrate apply');
    },
  );

  it.each(['usage-ingest', 'usage-projector', 'title-awarder'])(
    'end with a clear word where there are no topics, as %s does',
    async (service) => {
      const { status, out } = await run(service, [], {
        ...pipeline.environment,
        LAUREL_TOPIC_PREFIX: 'never-applied.',
        LAUREL_HTTP_PORT: '0',
      });
      expect(status).toBe(1);
      expect(out).toContain('laurel topics apply');
      expect(out).toContain('never-applied.');
    },
  );

  it('end with the process that started them', async () => {
    const child = spawn(process.execPath, [main('usage-projector')], {
      env: { ...process.env, ...pipeline.environment, LAUREL_HTTP_PORT: '0', LAUREL_LOG_FORMAT: 'json' },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    let out = '';
    await new Promise<void>((resolve) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (out.includes('"started"')) resolve();
      });
    });
    const ended = once(child, 'exit');
    child.disconnect();
    expect(await ended).toEqual([0, null]);
  });
});
