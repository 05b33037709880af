import { ServiceProcess } from '../../pipeline/service-process.js';
import { ALL_READ, allRead, openPage, startBrowser, until } from '../../page/browser.js';
import type { Page } from 'playwright-core';
import type { BenchStack } from '../bench-stack.js';
import { setUp } from '../ingest/laurel.js';
import { companyOf, writeCompany, type CompanyShape } from './company.js';

const PREFIX = 'page.';
const DATABASE = 'page_run';

export interface PageOptions {
  /** Of the reported company. */
  readonly scale: number;
  /** Of each page and of all interactions, each in a browser context of its own, with nothing in its cache. */
  readonly visits: number;
}

/** A page as somebody sees it who was never there before; ms from the beginning of the navigation, of each visit. */
export interface PageVisits {
  readonly page: string;
  /** Paint Timing's first-contentful-paint. */
  readonly firstContentMs: readonly number[];
  /** The last candidate of Largest Contentful Paint. */
  readonly largestContentMs: readonly number[];
  /** Until every figure is there. */
  readonly allReadMs: readonly number[];
  /** Cumulative Layout Shift, a score. */
  readonly layoutShift: readonly number[];
}

/** Durations of all interactions of a kind, in ms, from the input to the next paint (Event Timing, in steps of 8; 0 for below 16). */
export interface Interactions {
  readonly what: string;
  readonly durationsMs: readonly number[];
}

export interface PageRun {
  readonly company: CompanyShape;
  readonly pages: readonly PageVisits[];
  readonly interactions: readonly Interactions[];
}

const ADDRESSES = {
  board: '/',
  person: '/people/u-000500',
  titles: '/titles',
  models: '/models',
  awards: '/awards',
} as const;

/** Written down in the page from its first moment on. */
const WATCH = `
  const seen = { shift: 0, largest: 0, allRead: 0, events: new Map() };
  globalThis.laurelSeen = seen;
  const watch = (type, take, options = {}) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true, ...options });
  watch('layout-shift', (entry) => { if (!entry.hadRecentInput) seen.shift += entry.value; });
  watch('largest-contentful-paint', (entry) => { seen.largest = entry.startTime; });
  watch('event', ({ interactionId, duration }) => {
    if (interactionId > 0) seen.events.set(interactionId, Math.max(duration, seen.events.get(interactionId) ?? 0));
  }, { durationThreshold: 16 });
  const look = () => {
    if (${ALL_READ}) seen.allRead = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
`;

/** What somebody does on the board, and how many interactions each is. */
const DOINGS: readonly (readonly [what: string, count: number, act: (page: Page) => Promise<void>])[] = [
  [
    'another window',
    2,
    async (page) => {
      await page.getByRole('radio', { name: '7 days' }).click();
      await allRead(page);
      await page.getByRole('radio', { name: '30 days' }).click();
      await allRead(page);
    },
  ],
  [
    'a key in the search',
    5,
    async (page) => {
      await page.keyboard.press('/');
      await page.keyboard.type('otte', { delay: 120 });
      await allRead(page);
      await page.keyboard.press('Escape');
      await allRead(page);
    },
  ],
  [
    'a key in the rows',
    12,
    async (page) => {
      await page.locator('.table__rows .row__link').first().focus();
      for (const key of [...Array<string>(5).fill('ArrowDown'), ...Array<string>(5).fill('PageDown'), 'End', 'Home']) {
        await page.keyboard.press(key);
        await page.waitForTimeout(100);
      }
      await allRead(page);
    },
  ],
  [
    'to a person and back',
    2,
    async (page) => {
      await page.locator('.table__rows .row__link').first().click();
      await until(page, `document.querySelector('.person') !== null`);
      await allRead(page);
      await page.getByRole('link', { name: 'Board', exact: true }).click();
      await until(page, `document.querySelector('.table__rows') !== null`);
      await allRead(page);
    },
  ],
];

/** The page in a Chromium on the same machine, for the size of the reported company or a part of it. */
export async function benchPage(
  stack: BenchStack,
  { scale, visits }: PageOptions,
  onProgress: (line: string) => void,
): Promise<PageRun> {
  const company = companyOf(scale);
  return stack.inDatabase(DATABASE, async (client) => {
    const environment = stack.environment(PREFIX, DATABASE);
    await setUp(environment);
    await writeCompany(client, company, Date.now(), onProgress);
    const api = await ServiceProcess.start('api', environment);
    const browser = await startBrowser();
    const fresh = async <T>(path: string, work: (page: Page) => Promise<T>): Promise<T> => {
      const { page } = await openPage(browser, api.url);
      try {
        await page.addInitScript(WATCH);
        await page.goto(path);
        await until(page, 'laurelSeen.allRead > 0');
        return await work(page);
      } finally {
        await page.context().close();
      }
    };
    try {
      const pages: PageVisits[] = [];
      for (const [name, path] of Object.entries(ADDRESSES)) {
        // Once before: a service that runs has its boards in memory.
        await fresh(path, () => Promise.resolve());
        const seen: PageSeen[] = [];
        for (let time = 0; time < visits; time += 1) seen.push(await fresh(path, paints));
        pages.push({
          page: name,
          firstContentMs: seen.map(({ first }) => first),
          largestContentMs: seen.map(({ largest }) => largest),
          allReadMs: seen.map(({ allRead: at }) => at),
          layoutShift: seen.map(({ shift }) => shift),
        });
        onProgress(JSON.stringify(pages.at(-1)));
      }
      const interactions: Interactions[] = [];
      for (const [what, count, act] of DOINGS) {
        const durationsMs: number[] = [];
        for (let time = 0; time < visits; time += 1) {
          const slow = await fresh('/', async (page) => {
            await act(page);
            // The last interaction is told of only after its paint.
            await page.waitForTimeout(500);
            return page.evaluate<number[]>('[...laurelSeen.events.values()]');
          });
          durationsMs.push(...slow, ...Array<number>(Math.max(0, count - slow.length)).fill(0));
        }
        interactions.push({ what, durationsMs });
        onProgress(JSON.stringify(interactions.at(-1)));
      }
      return { company, pages, interactions };
    } finally {
      await browser.close();
      await api.end('SIGTERM');
    }
  });
}

interface PageSeen {
  readonly first: number;
  readonly largest: number;
  readonly allRead: number;
  readonly shift: number;
}

const paints = (page: Page): Promise<PageSeen> =>
  page.evaluate<PageSeen>(`({
    first: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN,
    largest: laurelSeen.largest, allRead: laurelSeen.allRead, shift: laurelSeen.shift,
  })`);
