import { readdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { usageRecorded } from '@laurel/events';
import { newTopic, readTopic, testBrokers } from './testing/topics.js';
import { run, type Ended } from './testing/run.js';

const PUBLISHER = resolve(import.meta.dirname, '..');
/** The compiler that builds this workspace; a user has one of their own. */
const TSC = resolve(PUBLISHER, '../../node_modules/typescript/bin/tsc');

let project: string;

/** Fails with what the program printed, not just with its status. */
function expectSuccess(ended: Ended): string {
  if (ended.code !== 0) throw new Error(`ended with ${String(ended.code)}:\n${ended.output}`);
  return ended.output;
}

const inProject = (command: string, ...args: string[]): Promise<Ended> =>
  run(command, args, { cwd: project, timeoutMs: 120_000, env: { BROKERS: process.env['LAUREL_TEST_KAFKA_BROKERS'] } });

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'laurel-package-'));
  // 1. Pack as `npm pack` does. The build has run before the tests, so the hook that builds need not run again.
  const pack = ['pack', '--ignore-scripts', '--pack-destination', project];
  expectSuccess(await run('npm', pack, { cwd: PUBLISHER, timeoutMs: 60_000 }));
  const tarball = (await readdir(project)).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack left no tarball');
  // 2. Install it where nothing else is.
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }));
  expectSuccess(await inProject('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', `./${tarball}`));
}, 240_000);

afterAll(() => rm(project, { recursive: true, force: true }));

const program = (topic: string): string => `
const publisher = createPublisher({ kafka: { brokers: process.env.BROKERS.split(',') }, source: 'packed', topic: '${topic}' });
const usage = { input_tokens: 7, output_tokens: 5, cache_read_input_tokens: 3 };
const result = publisher.record({ user_id: 'u-1', model: 'claude-sonnet-5', event_id: 'packed-1', ...fromAnthropic(usage) });
if (!result.accepted) throw result.error;
`;

it.each([
  [
    'an ES module',
    'index.mjs',
    "import { createPublisher, fromAnthropic } from '@laurel/publisher';",
    'await publisher.close();',
  ],
  [
    'CommonJS',
    'index.cjs',
    "const { createPublisher, fromAnthropic } = require('@laurel/publisher');",
    'publisher.close();',
  ],
])(
  'publishes from an empty project, as %s',
  async (_, file, imports, end) => {
    const topic = await newTopic(testBrokers(), { partitions: 1 });
    await writeFile(join(project, file), `${imports}${program(topic)}${end}`);
    expectSuccess(await inProject('node', file));
    const [record] = await readTopic(testBrokers(), topic, ({ length }) => length >= 1);
    expect(record && usageRecorded.decode(record.value)).toMatchObject({
      event_id: 'packed-1',
      source: 'packed',
      user_id: 'u-1',
      provider: 'anthropic',
      tokens: { input: 7, output: 5, cache_read: 3 },
    });
  },
  120_000,
);

it('has types that need nothing else, and refuse what is wrong', async () => {
  await writeFile(
    join(project, 'typed.ts'),
    `
import { createPublisher, fromAnthropic, fromGemini, fromOpenAIChat, type Publisher } from '@laurel/publisher';
const publisher: Publisher = createPublisher({ kafka: { brokers: ['b:9092'], ssl: { ca: 'pem' } }, source: 's' });
const completion = { id: 'c', model: 'm', created: 1, usage: { prompt_tokens: 1, completion_tokens: 1 } };
publisher.record({ user_id: 'u', ...fromOpenAIChat(completion) });
publisher.record({ user_id: 'u', model: 'm', ...fromGemini({ promptTokenCount: 1 }) });
publisher.record({ user_id: 'u', model: 'm', provider: 'p', tokens: { input: 1 } });
publisher.recordOutcome({ user_id: 'u', kind: 'commit', quantity: 2 });
// @ts-expect-error no such kind
publisher.recordOutcome({ user_id: 'u', kind: 'release' });
// @ts-expect-error no model
publisher.record({ user_id: 'u', ...fromAnthropic({ input_tokens: 1, output_tokens: 1 }) });
// @ts-expect-error no such token class
publisher.record({ user_id: 'u', model: 'm', provider: 'p', tokens: { inputs: 1 } });
// @ts-expect-error no revision
publisher.retract({ event_id: 'e', user_id: 'u', occurred_at: 1 });
export const code: string = await publisher.close().then(({ undelivered }) => undelivered[0]?.code ?? 'none');
`,
  );
  // No types of Node and no skipLibCheck: the declarations must be whole by themselves.
  const compilerOptions = {
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    target: 'es2022',
    module: 'nodenext',
    types: [],
  };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['typed.ts'] }));
  expectSuccess(await inProject('node', TSC));
}, 60_000);

it('brings neither a server framework nor a schema registry along', async () => {
  const installed = await readdir(join(project, 'node_modules'));
  expect(installed).toEqual(expect.arrayContaining(['@laurel', 'kafkajs', 'avsc']));
  expect(installed).not.toEqual(expect.arrayContaining(['@nestjs']));
  expect(installed).not.toEqual(expect.arrayContaining(['@kafkajs']));
  expect(await readdir(join(project, 'node_modules/@laurel'))).toEqual(['publisher']);
  const code = await readFile(join(project, 'node_modules/@laurel/publisher/dist/bundle/index.js'), 'utf8');
  expect(code).not.toMatch(/xxhash|nestjs|schema-registry/);
});

describe('a program that forgets to close its publisher', () => {
  const write = async (brokers: string, topic: string): Promise<void> => {
    const source = `
      import { createPublisher } from '@laurel/publisher';
      const publisher = createPublisher({
        kafka: { brokers: ['${brokers}'], connectionTimeoutMs: 500 },
        source: 'forgetful', topic: '${topic}', idleDisconnectMs: 200, exitTimeoutMs: 3_000,
        onError: ({ code }) => console.log('told', code),
      });
      publisher.record({ user_id: 'u-1', provider: 'p', model: 'm', tokens: { output: 1 } });`;
    await writeFile(join(project, 'forgetful.mjs'), source);
  };

  it('ends by itself, with its events delivered', async () => {
    const topic = await newTopic(testBrokers(), { partitions: 1 });
    await write(testBrokers()[0] ?? '', topic);
    expect(expectSuccess(await inProject('node', 'forgetful.mjs'))).toBe('');
    expect(await readTopic(testBrokers(), topic, ({ length }) => length >= 1)).toHaveLength(1);
  }, 60_000);

  it('ends by itself in an outage, too, and says what it could not deliver', async () => {
    await write('127.0.0.1:1', 'any');
    const { code, output } = await inProject('node', 'forgetful.mjs');
    expect({ code, told: output.trim().split('\n') }).toEqual({
      code: 0,
      told: ['told delivery_delayed', 'told timeout'],
    });
  }, 60_000);
});
