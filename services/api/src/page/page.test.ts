import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { testStack, type TestStack } from '../testing/stack.js';

const BOARD = fileURLToPath(new URL('../../../board/dist', import.meta.url));

/** `fetch` would unpack the body, and normalize the path. */
function rawGet(url: string, path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; bytes: number }>((resolve, reject) => {
    request(`${url}/`, { path, headers }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes }));
    })
      .on('error', reject)
      .end();
  });
}

describe('the page', () => {
  let stack: TestStack;
  let url: string;
  let assets: readonly string[];

  beforeAll(async () => {
    stack = await testStack();
    ({ url } = await stack.startApi());
    assets = readdirSync(`${BOARD}/assets`).filter((name) => !/\.(?:br|gz)$/.test(name));
  });
  afterAll(() => stack.stop());

  it.each(['/', '/?window=7d', '/people/u-1', '/people/a%2Fb', '/titles', '/models', '/awards', '/pipeline'])(
    'is one document at each of its addresses, looked at anew each time: %s',
    async (path) => {
      const response = await fetch(url + path);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^text\/html/);
      expect(response.headers.get('cache-control')).toBe('no-cache');
      expect(response.headers.get('etag')).not.toBeNull();
      expect(await response.text()).toContain('<div id="root">');
    },
  );

  it('may run and show only files from here: nothing inline, nothing of others, in nobody’s frame', async () => {
    const response = await fetch(`${url}/`);
    const policy = response.headers.get('content-security-policy') ?? '';
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
    ]) {
      expect(policy.split('; ')).toContain(part);
    }
    expect(policy).not.toMatch(/unsafe|data:|\*/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    const document = await response.text();
    expect(document).not.toMatch(/<style|<script(?![^>]*\ssrc=)|\son\w+=|style=/);
  });

  it('lets nobody but those who are named have the board in a frame, and of no other page anybody', async () => {
    const { url: named } = await stack.startApi({ LAUREL_API_EMBEDDERS: 'https://wiki.example,https://chat.example' });
    const embed = await fetch(`${named}/embed?limit=5`);
    expect(embed.headers.get('content-security-policy')).toContain(
      "frame-ancestors 'self' https://wiki.example https://chat.example;",
    );
    expect(embed.headers.get('x-frame-options')).toBeNull();
    expect((await fetch(`${url}/embed`)).headers.get('content-security-policy')).toContain("frame-ancestors 'self';");
    const page = await fetch(`${named}/`);
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none';");
    expect(page.headers.get('x-frame-options')).not.toBeNull();
  });

  it('has files whose names change with them, which are kept for ever', async () => {
    expect(assets.length).toBeGreaterThan(5);
    for (const name of assets) {
      expect(name).toMatch(/-[\w-]{8,}\.\w+$/);
      const response = await fetch(`${url}/assets/${name}`);
      expect({ name, status: response.status }).toEqual({ name, status: 200 });
      expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
      await response.arrayBuffer();
    }
  });

  it('is sent as it was compressed when it was built', async () => {
    const script = assets.find((name) => /^index-.*\.js$/.test(name)) ?? '';
    const plain = await rawGet(url, `/assets/${script}`);
    const packed = await rawGet(url, `/assets/${script}`, { 'accept-encoding': 'gzip, br' });
    expect(packed.headers['content-encoding']).toBe('br');
    expect(packed.headers['vary']).toMatch(/accept-encoding/i);
    expect(packed.bytes).toBeLessThan(plain.bytes / 2);
  });

  it('weighs less than 300 kB when it is first looked at, whatever page that is', async () => {
    const first = assets.filter((name) => /\.(?:js|css|svg)$|inter-latin-wght/.test(name));
    const sizes = await Promise.all(
      first.map(async (name) => (await rawGet(url, `/assets/${name}`, { 'accept-encoding': 'br' })).bytes),
    );
    expect(sizes.reduce((sum, one) => sum + one, 0)).toBeLessThan(300 * 1000);
  });

  it.each([
    '/index.html',
    '/assets/',
    '/assets/nothing.js',
    '/assets/../package.json',
    '/assets/..%2fpackage.json',
    '/titles/x',
  ])('leaves every other address to the API, which knows none: %s', async (path) => {
    const answer = await rawGet(url, path);
    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('changes nothing about the API’s own answers', async () => {
    const response = await fetch(`${url}/v1/titles`);
    expect(response.headers.get('cache-control')).toBe('private, no-cache');
    expect(response.headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'");
  });
});
