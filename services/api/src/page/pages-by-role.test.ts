import chromium from '@sparticuz/chromium';
import { generatedHandle } from '@laurel/titles';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium as playwright, type Browser, type Page } from 'playwright-core';
import { award, usage } from '../testing/events.js';
import { eventually } from '../testing/eventually.js';
import { guardedApi, type GuardedApi } from '../testing/signed-in.js';
import { testStack, type TestStack } from '../testing/stack.js';

const ROUTER = fileURLToPath(new URL('../../../board/src/router.tsx', import.meta.url));

const ROLES = ['member', 'lead', 'analyst', 'admin'] as const;
const viewers = ['nobody', ...ROLES] as const;
type Viewer = (typeof viewers)[number];

/** What a page tells a viewer: what it is for, or that they have to sign in, that it is not theirs, or that nobody is there. */
type Verdict = 'shown' | 'sign in' | 'not theirs' | 'nobody';

const EVERYBODY_SIGNED_IN = {
  nobody: 'sign in',
  member: 'shown',
  lead: 'shown',
  analyst: 'shown',
  admin: 'shown',
} as const;

/** Choices, for oneself alone. */
const OWN = '[aria-label="You, and what others see"]';

interface Row extends Readonly<Record<Viewer, Verdict>> {
  /** As the router has it. */
  readonly route: string;
  readonly path: (viewer: Viewer) => string;
  /** Something that is there only where it is shown. */
  readonly sign: string;
}

/** For each page: what whom it is shown to. A new route needs a row. */
const pages: Readonly<Record<string, Row>> = {
  board: { route: '/', path: () => '/', sign: '.table__rows .row__link', ...EVERYBODY_SIGNED_IN },
  'somebody’s page': {
    route: '/people/$userId',
    path: () => '/people/u-1',
    sign: `h1:has-text("${generatedHandle('u-1')}")`,
    ...EVERYBODY_SIGNED_IN,
  },
  'one’s own page': {
    route: '/people/$userId',
    path: (viewer) => `/people/u-of-${viewer}`,
    sign: OWN,
    ...EVERYBODY_SIGNED_IN,
  },
  'a hidden person’s page': {
    route: '/people/$userId',
    path: () => '/people/u-hidden',
    sign: 'h1:has-text("shy-one")',
    nobody: 'sign in',
    member: 'nobody',
    lead: 'nobody',
    analyst: 'nobody',
    admin: 'nobody',
  },
  titles: { route: '/titles', path: () => '/titles', sign: '#token_legend', ...EVERYBODY_SIGNED_IN },
  models: {
    route: '/models',
    path: () => '/models',
    sign: '.models-page table',
    ...EVERYBODY_SIGNED_IN,
  },
  awards: { route: '/awards', path: () => '/awards', sign: '.award', ...EVERYBODY_SIGNED_IN },
  health: {
    route: '/pipeline',
    path: () => '/pipeline',
    sign: '.pipeline__grid',
    nobody: 'sign in',
    member: 'not theirs',
    lead: 'not theirs',
    analyst: 'not theirs',
    admin: 'shown',
  },
  'an embedded board': { route: '/embed', path: () => '/embed', sign: '.embed__rows li', ...EVERYBODY_SIGNED_IN },
};

describe('which page is shown to whom, in a browser', () => {
  let stack: TestStack;
  let api: GuardedApi;
  let browser: Browser;
  const tabs = new Map<Viewer, Page>();

  beforeAll(async () => {
    stack = await testStack();
    const yesterday = new Date(Date.now() - 86_400_000).toISOString();
    await stack.store(
      ['u-1', 'u-2', 'u-hidden', ...viewers.map((viewer) => `u-of-${viewer}`)].map((user_id) =>
        usage({ user_id, occurred_at: yesterday, tokens: { input: 1000 }, team: 'red' }),
      ),
    );
    await stack.append([award(0, { user_id: 'u-hidden' }), award(0, { title_id: 'cache_wizard', user_id: 'u-1' })]);
    await stack.choose('u-hidden', { visibility: 'hidden', handle: 'shy-one' });
    api = await guardedApi(stack);
    // Again where another test is unpacking it just now.
    browser = await eventually(async () =>
      playwright.launch({
        executablePath: await chromium.executablePath(),
        // The package's own flags are for a function in a cloud: among them ones that take the security policy away.
        args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
      }),
    );
    for (const viewer of viewers) {
      const context = await browser.newContext({ baseURL: api.url, reducedMotion: 'reduce' });
      context.setDefaultTimeout(30_000);
      tabs.set(viewer, await context.newPage());
    }
  });
  afterAll(async () => {
    await browser.close();
    await api.stop();
    await stack.stop();
  });

  const tabOf = (viewer: Viewer): Page => {
    const page = tabs.get(viewer);
    if (page === undefined) throw new Error(`${viewer} has no tab`);
    return page;
  };

  /** Of what is there when everything that is read has come. */
  async function verdict(page: Page, sign: string): Promise<Verdict> {
    return eventually(async () => {
      if ((await page.locator('.bone').count()) > 0) return undefined;
      if (await page.getByText('Please sign in').first().isVisible()) return 'sign in';
      if (await page.getByText('This is not yours to see').first().isVisible()) return 'not theirs';
      if (await page.getByText('Nobody is shown here').first().isVisible()) return 'nobody';
      return (await page.locator(sign).first().isVisible()) ? 'shown' : undefined;
    });
  }

  it('is said of every page there is', () => {
    const routes = [...readFileSync(ROUTER, 'utf8').matchAll(/path: '([^']+)'/g)].map(([, path]) => path);
    expect([...new Set(Object.values(pages).map(({ route }) => route))].sort()).toEqual(routes.sort());
  });

  it.each(ROLES)('leads a %s from the board through the company’s own sign-in and back to it', async (role) => {
    api.provider.signsInAs({ sub: `u-of-${role}`, roles: [role], teams: ['red'] });
    const page = tabOf(role);
    await page.goto('/titles');
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Titles' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/titles');
  });

  const cells = Object.entries(pages).flatMap(([name, row]) =>
    viewers.map((viewer) => [name, viewer, row[viewer]] as const),
  );
  it.each(cells)('%s, opened by %s: %s', async (name, viewer, expected) => {
    const row = pages[name];
    if (row === undefined) throw new Error(`there is no ${name}`);
    const page = tabOf(viewer);
    await page.goto(row.path(viewer));
    expect(await verdict(page, row.sign)).toBe(expected);
    // Nobody who is hidden is in any of them, and what is for some is not offered to others.
    const text = await page.locator('body').innerText();
    expect(text).not.toMatch(/shy-one|u-hidden/);
    expect(text).not.toContain(generatedHandle('u-hidden'));
    // In a frame there is nothing around a page, and around the question who somebody is nothing that leads elsewhere.
    const isAround = viewer !== 'nobody' && row.route !== '/embed';
    if (isAround) await page.getByRole('button', { name: `You: u-of-${viewer}` }).waitFor();
    expect(await page.getByRole('navigation', { name: 'Pages' }).count()).toBe(isAround ? 1 : 0);
    const offered = viewer === 'admin' && isAround ? 1 : 0;
    expect(await page.getByRole('link', { name: 'Health' }).count()).toBe(offered);
    const isOwn = name === 'one’s own page' && expected === 'shown';
    expect(await page.locator(OWN).count()).toBe(isOwn ? 1 : 0);
  });

  it('leads whoever is signed in to their own page and out again, here and at the provider', async () => {
    const page = tabOf('member');
    await page.goto('/titles');
    await page.getByRole('button', { name: 'You: u-of-member' }).click();
    await page.getByRole('menuitem', { name: 'Your page' }).click();
    await page.getByRole('heading', { level: 1, name: generatedHandle('u-of-member') }).waitFor();
    await page.getByRole('button', { name: 'You: u-of-member' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.waitForURL((at) => at.origin === api.provider.issuer);
    await page.goto('/');
    await page.getByRole('heading', { level: 1, name: 'Please sign in' }).waitFor();
    expect(await page.getByRole('button', { name: /^You/ }).count()).toBe(0);
  });

  it('asks whoever may read without a sign-in to sign in before they choose how they are shown', async () => {
    const open = await guardedApi(stack, { LAUREL_API_ANONYMOUS: 'member' });
    const context = await browser.newContext({ baseURL: open.url, reducedMotion: 'reduce' });
    try {
      open.provider.signsInAs({ sub: 'u-of-member', roles: ['member'], teams: ['red'] });
      const page = await context.newPage();
      await page.goto('/people/u-of-member?me=u-of-member');
      const own = page.locator(OWN);
      await own.getByRole('link', { name: 'Sign in to choose' }).waitFor();
      expect(await own.innerText()).not.toContain('nobody signs in here');
      await own.getByRole('link', { name: 'Sign in to choose' }).click();
      await own.getByRole('group', { name: 'Others see you' }).waitFor();
      expect(new URL(page.url()).pathname).toBe('/people/u-of-member');
    } finally {
      await context.close();
      await open.stop();
    }
  });
});
