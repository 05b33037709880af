import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '../testing/eventually.js';
import { FiguresFeed } from './figures-feed.js';
import { FiguresStream } from './figures-stream.js';

describe('the stream of changed figures', () => {
  let version: string | undefined;
  /** How often this test's feed looked; that of the test before may look once more while its followers leave. */
  let looks = { count: 0 };
  let server: Server;
  let url: string;

  /** @param lookMs how often the feed looks by itself. */
  async function serve(lookMs: number): Promise<void> {
    version = 'one';
    const own = { count: 0 };
    looks = own;
    const read = (): Promise<string> => {
      own.count += 1;
      return version === undefined ? Promise.reject(new Error('away')) : Promise.resolve(version);
    };
    const feed = new FiguresFeed(read, lookMs, 100);
    const options = { keepAliveMs: 50, patience: 4, retryMs: 100 };
    server = createServer((_request, response) => {
      const stream = new FiguresStream(feed, options, () => response.destroy());
      response.once('close', () => stream.destroy());
      stream.pipe(response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  function follow(): { readonly text: () => string; readonly isEnded: () => boolean; readonly leave: () => void } {
    let text = '';
    let ended = false;
    const request = get(url, (response: IncomingMessage) => {
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('close', () => (ended = true));
    }).on('error', () => (ended = true));
    return { text: () => text, isEnded: () => ended, leave: () => request.destroy() };
  }
  const until = (holds: () => boolean): Promise<true> => eventually(() => (holds() ? true : undefined), 20_000);
  const events = (text: string): string[] =>
    [...text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].map(([, name, data]) => `${String(name)} ${String(data)}`);

  it('begins with the present version, tells another one, and nothing while it stays', async () => {
    await serve(20);
    const one = follow();
    await until(() => one.text().includes('"one"'));
    await until(() => looks.count > 3);
    version = 'two';
    await until(() => one.text().includes('"two"'));
    const other = follow();
    await until(() => other.text().includes('"two"') && other.text().includes(': keep-alive'));
    expect(events(one.text())).toEqual(['ready {}', 'figures {"version":"one"}', 'figures {"version":"two"}']);
    expect(events(other.text())).toEqual(['ready {}', 'figures {"version":"two"}']);
  });

  it('says when the figures can’t be read, and when they can again', async () => {
    await serve(20);
    const one = follow();
    await until(() => one.text().includes('"one"'));
    version = undefined;
    await until(() => one.text().includes('event: away'));
    version = 'one';
    await until(() => events(one.text()).length === 4);
    expect(events(one.text()).slice(1)).toEqual(['figures {"version":"one"}', 'away {}', 'figures {"version":"one"}']);
  });

  it('asks once for all who follow, and anew for whoever comes after all have left', async () => {
    await serve(3_600_000);
    const many = Array.from({ length: 20 }, follow);
    await until(() => many.every((one) => one.text().includes('"one"')));
    expect(looks.count).toBe(1);
    for (const one of many) one.leave();
    await until(() => many.every((one) => one.isEnded()));
    version = 'two';
    // The server hears of the last one's leaving when it does.
    await eventually(async () => {
      const late = follow();
      await until(() => late.text().includes('event: figures'));
      late.leave();
      return late.text().includes('"two"') ? true : undefined;
    }, 20_000);
    expect(looks.count).toBe(2);
  });
});
