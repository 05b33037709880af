import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkNames } from '@laurel/clickhouse';
import { builtInRules, generatedHandle, titleRulesSchema } from '@laurel/titles';
import type { Browser, Page } from 'playwright-core';
import { eventually } from '../pipeline/eventually.js';
import { Pipeline } from '../pipeline/pipeline.js';
import { usage } from '../pipeline/usage.js';
import { barriers } from './accessibility.js';
import { allRead, openPage, startBrowser, until, visit, type Visit } from './browser.js';

/** Pictures of each page are kept there, for people to look at. */
const PICTURES = fileURLToPath(new URL('../../../../.reports/page/', import.meta.url));
const DAY_MS = 86_400_000;

/** What a page may weigh, as it is transferred, in bytes. */
const MOST_BYTES = 300_000;

/** The built-in titles, two of them with tiers, and one of each model family. */
const [legend, connoisseur, ...others] = builtInRules;
const titles = titleRulesSchema.parse([
  {
    ...legend,
    version: legend.version + 1,
    tiers: { by: 'value', levels: { bronze: 100_000, silver: 1_000_000, gold: 10_000_000, platinum: 100_000_000 } },
  },
  {
    ...connoisseur,
    version: connoisseur.version + 1,
    tiers: { by: 'top_per_mille', levels: { silver: 250, gold: 100 } },
  },
  ...others,
  {
    id: 'most_saved',
    name: 'Most Saved',
    description: 'Whose caching saved the most with a model family in 30 days, by list prices.',
    icon: '$',
    version: 1,
    metric: { kind: 'cache_saving' },
    scope: 'each_model_family',
  },
]);

interface Entry {
  readonly rank: number;
  readonly user_id: string;
  readonly handle: string;
  readonly value: string;
}

interface Board {
  readonly people: number;
  readonly entries: readonly Entry[];
}

type Audit = readonly {
  readonly check: string;
  readonly last: { readonly ended_at: string; readonly findings: readonly object[] } | null;
}[];

interface TieredTitle {
  readonly id: string;
  readonly tiers: { readonly levels: readonly { readonly tier: string; readonly people: number }[] } | null;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

interface Person {
  readonly handle: string;
  readonly rank: number;
  readonly people: number;
  readonly tiers: readonly { readonly title_id: string; readonly tier: string }[];
  readonly models: readonly { readonly model: string }[];
}

describe('the page on the recorded trace', () => {
  let pipeline: Pipeline;
  let browser: Browser;
  let url: string;
  const opened: Visit[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'laurel-page-'));

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    pipeline = await Pipeline.create(['usage-ingest', 'usage-projector', 'api']);
    browser = await startBrowser();
    await pipeline.laurel('demo', 'play', '--anchor', String(Date.now()));
    await pipeline.settled();
    writeFileSync(join(folder, 'titles.yaml'), JSON.stringify({ titles }));
    await pipeline.laurel('titles', 'apply', '--yes', join(folder, 'titles.yaml'));
    await pipeline.start('title-awarder');
    await eventually('every title to have a holder', async () => {
      const { titles } = await pipeline.get<{ titles: readonly { holders: readonly unknown[] }[] }>('/v1/titles');
      return titles.every(({ holders }) => holders.length > 0);
    });
    await eventually('everybody’s tiers', async () => {
      const { entries } = await board('?limit=1000');
      const last = await person(String(entries.at(-1)?.user_id));
      return last.tiers.length > 0 || Number(entries.at(-1)?.value) < 100_000;
    });
    ({ url } = pipeline.service('api'));
  });
  afterAll(async () => {
    await browser.close();
    await pipeline.close();
    rmSync(folder, { recursive: true });
  });
  afterEach(async () => {
    for (const { page } of opened.splice(0)) await page.context().close();
  });

  const open = async (options = {}): Promise<Visit> => {
    const visited = await openPage(browser, url, options);
    opened.push(visited);
    return visited;
  };
  const board = (query = ''): Promise<Board> => pipeline.get(`/v1/leaderboards/total_tokens${query}`);
  const person = (id: string): Promise<Person> => pipeline.get(`/v1/users/${id}`);
  /** A person's page, when all of it is there. The address changes before the page before it has left. */
  const arrivedAt = async (page: Page, name: string): Promise<void> => {
    await page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
    await allRead(page);
  };
  const shownUsers = async (): Promise<readonly string[]> =>
    (await board('?limit=1000')).entries.map(({ user_id: id }) => id);
  const rowTexts = (page: Page): Promise<readonly string[]> => page.locator('.table__rows .row__link').allInnerTexts();
  /** A scope in which a title of each model family is held. */
  const anyFamily = async (): Promise<string> => {
    const rules = await pipeline.get<{ titles: readonly { scopes: readonly string[] }[] }>('/v1/titles/rules');
    const [family] = rules.titles.flatMap(({ scopes }) => scopes).filter((scope) => scope.startsWith('family:'));
    if (family === undefined) throw new Error('no model family has five people');
    return family;
  };
  /** Somebody's usage of half an hour on each of the last days, as much in a minute as to stand at the top. */
  const publishFor = (user_id: string, tokens: number) =>
    pipeline.publish(
      [0, 1, 2, 3].flatMap((day) =>
        Array.from({ length: 30 }, (_, minute) =>
          usage({
            user_id,
            team: 'web',
            session_id: `s-${user_id}`,
            occurred_at: Date.now() - day * DAY_MS - minute * 60_000,
            tokens: { input: tokens },
          }),
        ),
      ),
    );

  /** Both themes and both ends of width are judged by axe; it takes as long as all else together. */
  const looks = [
    ['light', 1440, true],
    ['light', 900, false],
    ['light', 390, false],
    ['dark', 1440, false],
    ['dark', 900, false],
    ['dark', 390, true],
  ] as const;

  it.each(looks)('renders each page without a fault or a barrier: %s, %i px', async (colorScheme, width, isJudged) => {
    const [first] = (await board()).entries;
    const { page, faults } = await open({
      colorScheme,
      viewport: { width, height: width === 390 ? 844 : 1000 },
      isMobile: width === 390,
      hasTouch: width === 390,
    });
    const me = String((await board()).entries[20]?.user_id);
    const family = await anyFamily();
    const pages = {
      board: `/?me=${me}`,
      person: `/people/${String(first?.user_id)}`,
      own: `/people/${me}`,
      titles: '/titles',
      family: `/titles?scope=${encodeURIComponent(family)}`,
      models: '/models',
      awards: '/awards',
      pipeline: '/pipeline',
      embed: '/embed',
      nobody: '/people/u-nobody',
    };
    const found: Record<string, readonly string[]> = {};
    for (const [name, path] of Object.entries(pages)) {
      await visit(page, path);
      await page.screenshot({ path: `${PICTURES}${name}-${colorScheme}-${width}.png`, fullPage: name !== 'board' });
      found[name] = isJudged ? await barriers(page) : [];
      // Nothing reaches over the edge of the window.
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    }
    expect(found).toEqual(Object.fromEntries(Object.keys(pages).map((name) => [name, []])));
    // That nobody is there is a 404, which a browser writes down.
    expect(faults.filter((fault) => !fault.includes('404'))).toEqual([]);
  });

  it('shows whoever runs Laurel what waits and what was refused, and nobody else', async () => {
    await pipeline.publish([usage({ user_id: '' })]);
    const { page } = await open();
    await visit(page, '/');
    await page.getByRole('link', { name: 'Health' }).click();
    await page.getByRole('region', { name: 'Waiting' }).getByText('Events to be stored').waitFor();
    await page
      .getByRole('region', { name: 'Refused records' })
      .getByText('invalid_id')
      .first()
      .waitFor({ timeout: 60_000 });
    // Who may not is told so, and is not led there.
    await page.route('**/v1/session', (route) => route.fulfill({ json: { signed_in: true, scopes: ['board:read'] } }));
    await visit(page, '/');
    expect(await page.getByRole('link', { name: 'Health' }).count()).toBe(0);
  });

  it('tells whoever runs Laurel whether everything adds up, by the last audit', async () => {
    const { page } = await open();
    await visit(page, '/pipeline');
    const audit = page.getByRole('region', { name: 'Audit' });
    await audit.getByText('No audit has been made yet').waitFor();
    await audit.screenshot({ path: `${PICTURES}audit-none.png` });
    await pipeline.laurel('audit');
    await audit.getByText('Everything adds up.').waitFor();
    expect(await audit.getByRole('row').count()).toBe(1 + checkNames.length);
    await audit.screenshot({ path: `${PICTURES}audit-clean.png` });

    const shownAs = async (name: string, change: (audit: Audit) => Audit): Promise<void> => {
      await page.unroute('**/v1/operations');
      await page.route('**/v1/operations', async (route) => {
        const response = await route.fetch();
        const now = (await response.json()) as { readonly audit: Audit };
        await route.fulfill({ response, json: { ...now, audit: change(now.audit) } });
      });
      await visit(page, '/pipeline');
      await audit.screenshot({ path: `${PICTURES}audit-${name}.png` });
    };
    const daysAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();
    await shownAs('old', (checks) =>
      checks.map(({ check, last }) => ({ check, last: last === null ? null : { ...last, ended_at: daysAgo(3) } })),
    );
    await audit.getByText('was not looked at for two days').waitFor();
    expect(await audit.getByText('3 days ago').count()).toBe(1 + checkNames.length);

    const findings = [
      { code: 'figures_differ', severity: 'error', found: 3, healed: 1 },
      { code: 'closing_late', severity: 'warning', found: 1, healed: 0 },
    ];
    await shownAs('findings', (checks) =>
      checks.map(({ check, last }) => ({
        check,
        last: last === null || check !== 'buckets' ? null : { ...last, first_day: '2026-05-01', findings },
      })),
    );
    await audit.getByText('Something does not add up').waitFor();
    const row = audit.getByRole('row', { name: 'Figures are those of the events' });
    await row.getByText('2 left').waitFor();
    await row.getByText('figures_differ').waitFor();
    expect(await audit.getByText('never', { exact: true }).count()).toBe(checkNames.length - 1);
  });

  it('weighs less than 300 kB as it is transferred, whatever page it is', async () => {
    const weights: Record<string, number> = {};
    const [first] = (await board()).entries;
    for (const path of ['/', `/people/${String(first?.user_id)}`, '/titles', '/models', '/awards', '/pipeline']) {
      const { page } = await open();
      const session = await page.context().newCDPSession(page);
      await session.send('Network.enable');
      const files = new Set<string>();
      let bytes = 0;
      session.on('Network.responseReceived', ({ requestId, response }) => {
        // What the page itself is; its figures are as large as the company.
        if (!new URL(response.url).pathname.startsWith('/v1/')) files.add(requestId);
      });
      session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
        if (files.has(requestId)) bytes += encodedDataLength;
      });
      await visit(page, path);
      await eventually('the fonts', async () => (await page.evaluate('document.fonts.status')) === 'loaded');
      weights[path.replace(/people.*/, 'people/')] = bytes;
    }
    writeFileSync(`${PICTURES}bytes-transferred.json`, JSON.stringify(weights, null, 2));
    for (const bytes of Object.values(weights)) expect(bytes).toBeLessThan(MOST_BYTES);
    // They are counted at all.
    for (const bytes of Object.values(weights)) expect(bytes).toBeGreaterThan(50_000);
  });

  it('shows who has which tier, on the board, of a person and of a title', async () => {
    const [first] = (await board()).entries;
    const { tiers } = await person(String(first?.user_id));
    const tier = capital(String(tiers.find(({ title_id: id }) => id === 'token_legend')?.tier));
    const { page } = await open();
    await visit(page, '/');
    await page
      .locator('.table__rows .row')
      .first()
      .getByRole('img', { name: `${tier} in Token Legend` })
      .waitFor();
    await page
      .getByRole('link', { name: String(first?.handle), exact: true })
      .first()
      .click();
    await page.getByRole('list', { name: 'Tiers reached' }).getByText(`${tier} Token Legend`).waitFor();
    await visit(page, '/titles');
    const { titles: shown } = await pipeline.get<{ titles: readonly TieredTitle[] }>('/v1/titles');
    const levels = shown.find(({ id }) => id === 'token_legend')?.tiers?.levels ?? [];
    const table = page.getByRole('region', { name: 'Tiers of Token Legend' }).getByRole('row');
    expect((await table.allInnerTexts()).slice(1).map((row) => row.split(/\s+/).at(-1))).toEqual(
      [...levels].reverse().map(({ people }) => String(people)),
    );
  });

  it('shows the titles of a model family, where a rule awards some', async () => {
    const family = await anyFamily();
    const { page } = await open();
    await visit(page, '/titles');
    await page.getByRole('combobox', { name: /^Titles of/ }).click();
    await page.getByRole('option', { name: `Model: ${family.slice('family:'.length)}` }).click();
    await page.getByRole('heading', { name: `Titles in ${family.slice('family:'.length)}` }).waitFor();
    await page.getByRole('heading', { name: 'Most Saved' }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'Titles', exact: true }).waitFor();
  });

  it('leads through five questions by what can be read on it', async () => {
    const { entries } = await board();
    const [sought] = entries.slice(30);
    const id = String(sought?.user_id);
    const { handle, rank, people, models } = await person(id);
    const { page } = await open();
    const press = (text: string | RegExp): Promise<void> => page.getByText(text, { exact: true }).first().click();
    await visit(page, '/');

    // Who leads, and why?
    await press('Token Legend');
    await page.getByText(/^with .* tokens, since/).waitFor();
    await page
      .getByText(/calls and [\d,]+ minutes of asking on \d+ active days/)
      .first()
      .waitFor();

    // Where am I?
    await press('Board');
    await page.getByPlaceholder('Find a handle').fill(handle);
    await press(handle);
    await arrivedAt(page, handle);
    await press('This is me');
    expect(await page.getByText('Rank by all tokens').locator('..').innerText()).toMatch(
      new RegExp(`#${rank}\\s+of ${people}`),
    );

    // What does the next tier take?
    await page.getByText(/more to (Bronze|Silver|Gold|Platinum), at .* tokens\./).waitFor();

    // Where does the figure come from?
    await press(models.length === 1 ? /The one model, with cost/ : /All \d+ models, with cost/);
    await page.getByText(String(models[0]?.model)).first().waitFor();
    await press('Board');
    await press('About these figures');
    await page.getByText('A call counts once').waitFor();
    await page.keyboard.press('Escape');

    // How do I hide?
    await page.getByText('You', { exact: true }).first().waitFor();
    await page.getByText(handle, { exact: true }).first().click();
    await press('What others see');
    await press(/^Not at all/);
    await press('Save');
    await page.getByText('Nobody is shown here').waitFor();
    expect(await shownUsers()).not.toContain(id);
    await press(/^By handle/);
    await press('Save');
    await page.getByText('Rank by all tokens').waitFor();
    // A board follows with its next reading.
    await eventually('to be on the board again', async () => (await shownUsers()).includes(id));
  });

  it('takes a name, a handle and coarse figures, says what is wrong with them, and takes all of it back', async () => {
    const [me, other] = (await board()).entries.slice(50);
    const id = String(me?.user_id);
    const { page } = await open();
    await visit(page, `/people/${id}?me=${id}`);
    const form = page.locator('form');
    const handle = form.getByRole('textbox', { name: 'Handle' });
    const save = form.getByRole('button', { name: 'Save' });
    const status = form.getByRole('status');
    expect(await handle.getAttribute('placeholder')).toBe(me?.handle);
    await form.getByRole('radio', { name: /^By name/ }).check();
    await save.click();
    await form.getByText('Who is shown by name needs one').waitFor();
    expect(await form.getByRole('textbox', { name: 'Name' }).getAttribute('aria-invalid')).toBe('true');
    await form.getByRole('textbox', { name: 'Name' }).fill('Zoë Østergård');
    await handle.fill(String(other?.handle));
    await save.click();
    await form.getByText(/^A handle does not end like a generated one/).waitFor();
    expect(await barriers(page)).toEqual([]);
    await handle.fill('quiet-crow');
    await form.getByRole('radio', { name: /^Rounded/ }).check();
    await save.click();
    await status.getByText('Saved').waitFor();
    await page.getByRole('heading', { level: 1, name: 'Zoë Østergård' }).waitFor();
    expect(await person(id)).toMatchObject({ handle: 'quiet-crow', name: 'Zoë Østergård', figures: 'rounded' });
    await save.click();
    await status.getByText('It is so already.').waitFor();
    await form.getByRole('button', { name: 'Back to the company’s default' }).click();
    await page.getByRole('heading', { level: 1, name: String(me?.handle), exact: true }).waitFor();
    expect(await handle.inputValue()).toBe('');
  });

  it('hands people what it shows of them, as a file', async () => {
    const id = String((await board()).entries[30]?.user_id);
    const { page } = await open({ acceptDownloads: true });
    await visit(page, `/people/${id}?me=${id}`);
    const [table] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Days, as CSV' }).click(),
    ]);
    expect(readFileSync(await table.path(), 'utf8')).toMatch(/^day,events,total_tokens,/);
    const [all] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Everything, as JSON' }).click(),
    ]);
    expect(JSON.parse(readFileSync(await all.path(), 'utf8'))).toMatchObject({
      usage: { user_id: id, window: { name: 'all' } },
      history: { window: { name: 'all' } },
    });
  });

  it('shows which days of oneself stand out to whoever is signed in, and to nobody else', async () => {
    const id = String((await board()).entries[30]?.user_id);
    const text = 'own calls in 19 of the day’s 24 hours';
    const { page } = await open();
    let asked = 0;
    await page.route('**/v1/me/signals*', (route) => {
      asked += 1;
      const signal = { day: '2026-11-27', signal: 'round_the_clock', text };
      const review = { counts: true, reason: 'on call that night' };
      return route.fulfill({
        json: {
          signals: [
            { ...signal, review: null },
            { ...signal, day: '2026-11-26', review },
          ],
        },
      });
    });
    await visit(page, `/people/${id}?me=${id}`);
    await page.getByRole('region', { name: 'You, and what others see' }).waitFor();
    expect(asked).toBe(0);
    // Here nobody can sign in.
    await page.route('**/v1/session', (route) =>
      route.fulfill({ json: { signed_in: true, user_id: id, sign_in_url: null } }),
    );
    await visit(page, `/people/${id}`);
    const stands = page.getByRole('region', { name: 'Days of yours that stand out' });
    await stands.getByText('Somebody looked into it, and the day counts: “on call that night”').waitFor();
    expect(await stands.getByText(text).count()).toBe(2);
    expect(await barriers(page)).toEqual([]);
    await visit(page, `/people/${String((await board()).entries[0]?.user_id)}`);
    expect(await stands.count()).toBe(0);
    await visit(page, '/titles');
    await page.getByText(/^Days do not count on which one’s own calls went on for hours without a pause or /).waitFor();
  });

  it('lists everybody in the API’s order, to the last one, and the viewer always', async () => {
    const { entries, people } = await board('?limit=1000');
    const last = entries.at(-1);
    const me = entries[150];
    const { page } = await open();
    await visit(page, `/?me=${String(me?.user_id)}`);
    expect((await rowTexts(page)).slice(0, 10)).toEqual(entries.slice(0, 10).map(({ handle }) => handle));
    expect(await page.getByRole('grid', { name: 'Leaderboard' }).getAttribute('aria-rowcount')).toBe(
      String(people + 1),
    );
    // Only what is in sight is in the document.
    expect(await page.locator('.table__rows .row').count()).toBeLessThan(60);
    expect(await page.getByRole('region', { name: 'You' }).innerText()).toContain(String(me?.handle));
    await page.getByRole('button', { name: 'Go to your row' }).click();
    await page.locator('.table__rows .row--me').waitFor();
    // As often as somebody would who has not arrived: the page may still be on its way to the own row.
    await eventually('the last row', async () => {
      await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
      return page.getByRole('link', { name: String(last?.handle) }).isVisible();
    });
  });

  it('finds somebody by a part of the handle, ranks by what is chosen, and says so in the address', async () => {
    const { entries } = await board();
    const sought = entries[40];
    const { page } = await open();
    await visit(page, '/');
    await page.keyboard.press('/');
    await page.keyboard.type(String(sought?.handle).slice(3, -3));
    await until(page, `document.querySelectorAll('.table__rows .row__link').length === 1`);
    expect(await rowTexts(page)).toEqual([sought?.handle]);
    await page.keyboard.press('Escape');
    await until(page, `document.querySelectorAll('.table__rows .row__link').length > 1`);
    await page.getByRole('radio', { name: 'All time' }).click();
    await page.getByRole('combobox', { name: /^Ranked by/ }).click();
    await page.getByRole('option', { name: 'Output tokens' }).click();
    await page.waitForURL(/metric=output_tokens/);
    await allRead(page);
    const byOutput = await pipeline.get<Board>('/v1/leaderboards/output_tokens?window=all');
    expect((await rowTexts(page)).slice(0, 5)).toEqual(byOutput.entries.slice(0, 5).map(({ handle }) => handle));
    expect(page.url()).toContain('window=all');
  });

  it('is used by the keyboard alone: from the board to a person and back, and to another theme', async () => {
    const { entries } = await board();
    const { page } = await open();
    await visit(page, '/');
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').innerText()).toBe('Skip to the content');
    const pressUntil = async (key: string, selector: string): Promise<void> => {
      for (let presses = 0; presses < 60; presses += 1) {
        await page.keyboard.press(key);
        if (await page.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`)) return;
      }
      throw new Error(`${selector} is not reached by ${key}`);
    };
    await pressUntil('Tab', '.row__link');
    for (let row = 0; row < 3; row += 1) await page.keyboard.press('ArrowDown');
    expect(await page.locator(':focus').innerText()).toBe(entries[3]?.handle);
    await page.keyboard.press('End');
    await until(
      page,
      `document.activeElement?.closest('[data-index]')?.dataset.index === '${(await board()).people - 1}'`,
    );
    await page.keyboard.press('Home');
    await until(page, `document.activeElement?.closest('[data-index]')?.dataset.index === '0'`);
    await page.keyboard.press('Enter');
    await arrivedAt(page, String(entries[0]?.handle));
    // A day of the calendar, by its keys.
    await pressUntil('Tab', '.calendar__days');
    await page.keyboard.press('ArrowLeft');
    expect(await page.locator('.calendar__caption').innerText()).toMatch(/: .*tokens|: nothing/);
    await pressUntil('Shift+Tab', 'button[aria-label^="Theme"]');
    await page.keyboard.press('Enter');
    await page.getByRole('menuitemradio', { name: 'Dark' }).waitFor();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await until(page, `document.documentElement.dataset.theme === 'dark'`);
    // The choice holds before anything is painted the next time.
    await page.reload();
    expect(await page.evaluate(`document.documentElement.dataset.theme`)).toBe('dark');
    await page.goBack();
    await page.waitForURL((at) => at.pathname === '/');
  });

  it('shows an award when it happens, and moves nobody under the pointer until it has gone', async () => {
    const { page } = await open();
    await visit(page, '/');
    const before = await rowTexts(page);
    const { page: feed } = await open();
    await visit(feed, '/awards');
    await page.locator('.table__rows .row').nth(4).hover();
    const newcomer = generatedHandle('u-newcomer');
    // It goes by itself, maybe before the places are seen to have changed.
    const told = page.getByText(`${newcomer} took Token Legend`).first().waitFor({ timeout: 120_000 });
    told.catch(() => undefined);
    await publishFor('u-newcomer', 3_000_000);
    await eventually('the newcomer to lead', async () => (await board()).entries[0]?.handle === newcomer);
    await page.getByRole('button', { name: /places? ha(?:s|ve) changed/ }).waitFor({ timeout: 60_000 });
    expect((await rowTexts(page)).slice(0, 10)).toEqual(before.slice(0, 10));
    await page.getByRole('button', { name: /places? ha(?:s|ve) changed/ }).click();
    await until(page, `document.querySelector('.table__rows .row__link').innerText === ${JSON.stringify(newcomer)}`);
    await told;
    await feed
      .getByRole('listitem')
      .filter({ hasText: newcomer })
      .filter({ hasText: 'took Token Legend' })
      .first()
      .waitFor();
  });

  it('tells plainly that somebody is hidden, and drops them from the board by itself', async () => {
    const second = (await board()).entries[1];
    const { page } = await open();
    await visit(page, '/');
    await pipeline.laurel('people', 'set', String(second?.user_id), '--visibility', 'hidden');
    await until(
      page,
      `![...document.querySelectorAll('.row__link')].some((one) => one.innerText === ${JSON.stringify(second?.handle)})`,
    );
    await page.goto(`/people/${String(second?.user_id)}`);
    await page.getByText('Nobody is shown here').waitFor();
    await pipeline.laurel('people', 'reset', String(second?.user_id));
  });

  it('has a face for nothing, for an address that is none, and for an API that is away', async () => {
    const { page } = await open();
    await page.goto('/?team=nobody');
    await page.getByText('No usage yet in this window').waitFor();
    await page.goto('/?q=no-such-handle');
    await page.getByText('Nobody’s handle has').waitFor();
    await visit(page, '/');
    await page.evaluate(`history.pushState({}, '', '/nowhere'); dispatchEvent(new PopStateEvent('popstate'))`);
    await page.getByText('There is nothing at this address').waitFor();
    await page.goBack();
    await page.locator('.table__rows .row__link').first().waitFor();
    let isAway = true;
    await page.exposeFunction('comeBack', () => (isAway = false));
    await page.route('**/v1/leaderboards/**', (route) =>
      !isAway
        ? route.continue()
        : route.fulfill({
            status: 503,
            contentType: 'application/problem+json',
            body: JSON.stringify({
              code: 'storage_unavailable',
              status: 503,
              title: '',
              detail: 'away',
              request_id: 'r-1',
            }),
          }),
    );
    await publishFor('u-other', 100);
    await page.getByText('newer figures can’t be read at the moment').waitFor({ timeout: 60_000 });
    expect(await page.locator('.table__rows .row__link').count()).toBeGreaterThan(5);
    await page.getByRole('radio', { name: 'Month' }).click();
    await page.getByRole('alert').getByText('The figures can’t be read at the moment').waitFor({ timeout: 60_000 });
    // Not before the click: with the next usage it would be read without, and the button be gone.
    await page.evaluate(`addEventListener('click', () => comeBack(), { capture: true, once: true })`);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.table__rows .row__link').first().waitFor();
  });

  it('finds a team among many by a part of its name', async () => {
    const teams = Array.from({ length: 15 }, (_, index) => `crew-${String.fromCharCode(97 + index)}`);
    await pipeline.publish(
      teams.flatMap((team) =>
        [1, 2, 3, 4, 5].map((person) =>
          usage({ user_id: `${team}-${person}`, team, occurred_at: Date.now() - DAY_MS, tokens: { input: person } }),
        ),
      ),
    );
    await eventually('the teams', async () => {
      const { teams: known } = await pipeline.get<{ teams: readonly { team: string }[] }>('/v1/teams');
      return known.some(({ team }) => team === 'crew-k');
    });
    const { page } = await open();
    await visit(page, '/');
    await page.getByRole('combobox', { name: 'Team: Whole company' }).click();
    await until(page, `document.querySelectorAll('[role=option]').length > 15`);
    await page.keyboard.type('CREW-K');
    await until(page, `document.querySelectorAll('[role=option]').length === 1`);
    await page.screenshot({ path: `${PICTURES}team-picker.png` });
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'crew-k' }).waitFor();
    // Everybody stands there until the team has been read.
    await until(page, `document.querySelectorAll('.table__rows .row__link').length === 5`);
    expect(await rowTexts(page)).toEqual([5, 4, 3, 2, 1].map((person) => generatedHandle(`crew-k-${person}`)));
    expect(new URL(page.url()).searchParams.get('team')).toBe('crew-k');
    await page.getByRole('combobox', { name: 'Team: crew-k' }).click();
    await page.keyboard.type('no such team');
    await page.getByText('None has this in its name.').waitFor();
    expect(await barriers(page)).toEqual([]);
  });
});
