import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { post, type Answer } from './post.js';
import { logged, secret, viewOf } from './testing/awards.js';
import { webhookRequest, type EndpointRequest } from './webhook-request.js';

const PAGE = readFileSync(new URL('../../../docs/operations/webhooks.md', import.meta.url), 'utf8');
const HERE = fileURLToPath(new URL('.', import.meta.url));

function codeIn(language: string): string {
  const [, code] = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(PAGE) ?? [];
  if (code === undefined) throw new Error(`the page has no ${language}`);
  return code;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe.each([
  ['Node', process.execPath, ['--input-type=module', '--eval', codeIn('js')]],
  ['Python', 'python3', ['-c', codeIn('python')]],
] as const)('the receiver in %s that the page shows', (_, command, args) => {
  let out = '';
  let url: string;
  let end: () => void;

  beforeAll(async () => {
    const port = await freePort();
    const env = { PATH: process.env['PATH'], PORT: String(port), WEBHOOK_SECRET: secret('a') };
    const child = spawn(command, args, { cwd: HERE, env, stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    end = () => void child.kill();
    url = `http://127.0.0.1:${port}/`;
    const deadline = Date.now() + 30_000;
    while ((await send({ headers: {}, body: '' })).status === null && Date.now() < deadline) await sleep(50);
  });

  afterAll(() => end());

  const send = (request: EndpointRequest): Promise<Answer> => post(url, request, 5000, new AbortController().signal);

  it('takes what we sign, also with another secret beside', async () => {
    const award = logged(1, { user_id: 'u-ü' });
    for (const secrets of [[secret('a')], [secret('b'), secret('a')]])
      expect(await send(webhookRequest(award, viewOf().people, secrets, Date.now()))).toEqual({
        kind: 'acknowledged',
        status: 204,
      });
    expect(out).toMatch(/^award-1 title_awarded token_legend [a-z]+-[a-z]+-\d+$/m);
  });

  it('refuses what others sign, what was changed, what is old, and what is not signed', async () => {
    const sound = webhookRequest(logged(2), viewOf().people, [secret('a')], Date.now());
    for (const request of [
      webhookRequest(logged(2), viewOf().people, [secret('b')], Date.now()),
      { ...sound, body: sound.body.replace('u-1', 'u-2') },
      { ...sound, headers: { ...sound.headers, 'webhook-id': 'award-3' } },
      webhookRequest(logged(2), viewOf().people, [secret('a')], Date.now() - 600_000),
      { headers: {}, body: sound.body },
    ])
      expect(await send(request)).toMatchObject({ kind: 'refused', status: 401 });
    expect(out).not.toContain('award-2');
  });
});
