import { Writable } from 'node:stream';
import { PeopleDirectory } from '@laurel/policy';
import { handovers } from '../testing/events.js';
import { eventually } from '../testing/eventually.js';
import { AwardLog } from './award-log.js';
import { AwardStream } from './award-stream.js';

const people = new PeopleDirectory({ visibility: 'handle', figures: 'exact' });
const fat = { evidence: { padding: { string: 'x'.repeat(2000) } } };

function logOf(count: number, fields = {}): AwardLog {
  const log = new AwardLog();
  handovers(0, count, fields).forEach((award, index) => log.add(index * 2, award));
  return log;
}

/** Ticks are given by hand nowhere: a short interval stands for the fifteen seconds. */
function streamOf(log: AwardLog, after: number | undefined, isCaughtUp = () => true) {
  const seen = { stalled: 0 };
  const options = { keepAliveMs: 10, patience: 4, retryMs: 100 };
  const stream = new AwardStream(log, people, after, isCaughtUp, options, () => {
    seen.stalled += 1;
    stream.close('slow_client');
  });
  return { stream, seen };
}

/** Reads until the text has what is waited for. */
async function readUntil(stream: AwardStream, wanted: string): Promise<string> {
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString())).resume();
  await eventually(() => (text.includes(wanted) ? true : undefined));
  return text;
}

const ids = (text: string): number[] => [...text.matchAll(/event: award\nid: (-?\d+)\n/g)].map(([, id]) => Number(id));

describe('a stream of awards', () => {
  it('holds a bounded part of the log for a client that does not read, and gives it up with a reason', async () => {
    const { stream, seen } = streamOf(logOf(2000, fat), -1);
    const stuck = new Writable({ highWaterMark: 1, write: () => undefined });
    stream.pipe(stuck);
    let largest = 0;
    await eventually(() => {
      largest = Math.max(largest, stream.readableLength);
      return seen.stalled > 0 ? true : undefined;
    });
    expect(largest).toBeGreaterThan(2000);
    expect(largest).toBeLessThan(16 * 1024 + 4000);
    expect(seen.stalled).toBe(1);
    stream.unpipe(stuck);
    expect(await readUntil(stream, 'event: closing')).toContain('"code":"slow_client"');
    stream.destroy();
  });

  it('gives a slow reader everything in order, however long the log is', async () => {
    const { stream, seen } = streamOf(logOf(500, fat), -1);
    let text = '';
    for await (const chunk of stream) {
      text += String(chunk);
      if (ids(text).length >= 500) break;
    }
    expect(ids(text)).toEqual(Array.from({ length: 500 }, (_, index) => index * 2));
    expect(seen.stalled).toBe(0);
  });

  it('keeps an idle connection open with comments and does not take it for a slow one', async () => {
    const { stream, seen } = streamOf(logOf(0), undefined);
    const text = await readUntil(stream, ': keep-alive\n\n'.repeat(12));
    expect(text).toContain('event: ready\nid: -1\n');
    expect(seen.stalled).toBe(0);
    stream.destroy();
  });

  it('resumes after an offset that no award has, as when a control record is there', async () => {
    const { stream } = streamOf(logOf(4), 3);
    expect(ids(await readUntil(stream, 'id: 6\n'))).toEqual([4, 6]);
    stream.destroy();
  });

  it('waits with what is new until it knows what is old', async () => {
    const log = new AwardLog();
    let caughtUp = false;
    const { stream } = streamOf(log, undefined, () => caughtUp);
    const [first, second, third] = handovers(0, 3);
    if (first === undefined || second === undefined || third === undefined) throw new Error('three are made');
    log.add(0, first);
    log.add(1, second);
    caughtUp = true;
    stream.advance();
    log.add(2, third);
    const text = await readUntil(stream, 'id: 2\n');
    expect(text).toContain('event: ready\nid: 1\n');
    expect(ids(text)).toEqual([2]);
    stream.destroy();
  });
});

describe('the log of awards', () => {
  it('takes a record once, also when it is read again', () => {
    const log = new AwardLog();
    const [first, second] = handovers(0, 2);
    if (first === undefined || second === undefined) throw new Error('two are made');
    log.add(5, first);
    log.add(5, first);
    log.add(8, second);
    log.add(5, first);
    expect([...log.newest(() => true)].map(({ offset }) => offset)).toEqual([8, 5]);
    expect(log.holders('token_legend', 'company')).toEqual([]);
  });

  it('refuses an award that does not follow from those before', () => {
    const log = logOf(2);
    expect(() => log.add(100, handovers(4, 1)[0] ?? fail())).toThrow('ordinal 2 was to come next');
  });
});

const fail = (): never => {
  throw new Error('one is made');
};
