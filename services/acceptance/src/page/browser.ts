import chromium from '@sparticuz/chromium';
import { eventually } from '../pipeline/eventually.js';
import { chromium as playwright, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

/** A Chromium without a window that npm brings itself: no browser has to be installed. */
export const startBrowser = async (): Promise<Browser> =>
  playwright.launch({
    executablePath: await chromium.executablePath(),
    // The package's own flags are for a function in a cloud: among them ones that take the security policy away.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--font-render-hinting=none'],
    headless: true,
  });

/** A page, and what was wrong on it so far. */
export interface Visit {
  readonly page: Page;
  /** Errors of scripts, of the console, and breaches of the security policy. */
  readonly faults: readonly string[];
}

/** @param url of the API; addresses are relative to it. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width: 1600, height: 1000 },
    colorScheme: 'light',
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    ...options,
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.exposeFunction('onBreach', (breach: string) => faults.push(breach));
  await page.addInitScript(`addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
    onBreach('policy: ' + violatedDirective + ' ' + blockedURI);
  })`);
  page.setDefaultTimeout(30_000);
  return { page, faults };
}

/** Goes there, and waits until everything that is read has come. */
export async function visit(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await allRead(page);
}

/** In the page: everything that is read has come. */
export const ALL_READ = `document.querySelector('h1') !== null && document.querySelector('.bone') === null`;

export const allRead = (page: Page): Promise<void> => until(page, ALL_READ);

/** Asks until an expression of the page holds. Playwright's own way would be an `eval` of the page, which its policy forbids. */
export async function until(page: Page, expression: string): Promise<void> {
  await eventually(expression, async () => (await page.evaluate(expression)) === true);
}
