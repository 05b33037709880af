import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../python/', import.meta.url));
const VENV = fileURLToPath(new URL('../../../../examples/venv.sh', import.meta.url));

/** The path of a Python interpreter that has librdkafka; installed at the first call. */
export const pythonWithKafka = (): string =>
  execFileSync('sh', [VENV], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();

export const pythonFile = (name: string): string => `${FOLDER}${name}`;

export interface KeyedValue {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Handed over at once, in records. */
const LOT = 2000;

/** Publishes by librdkafka, as a client in JavaScript is what is measured else, and would be the bottleneck. */
export class Filler {
  private said = '';
  private readonly ended: Promise<[number | null]>;

  private constructor(private readonly child: ChildProcessByStdio<Writable, Readable, null>) {
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.said += text));
    this.ended = once(child, 'exit') as Promise<[number | null]>;
  }

  static start(brokers: readonly string[], topic: string): Filler {
    const args = [pythonFile('fill.py'), brokers.join(','), topic];
    return new Filler(spawn(pythonWithKafka(), args, { stdio: ['pipe', 'pipe', 'inherit'] }));
  }

  /** Resolves when more may come. */
  async write(records: readonly KeyedValue[]): Promise<void> {
    const size = records.reduce((sum, { key, value }) => sum + 8 + Buffer.byteLength(key) + value.length, 0);
    const frames = Buffer.allocUnsafe(size);
    let end = 0;
    for (const { key, value } of records) {
      end = frames.writeUInt32BE(Buffer.byteLength(key), end);
      end += frames.write(key, end);
      end = frames.writeUInt32BE(value.length, end);
      frames.set(value, end);
      end += value.length;
    }
    if (!this.child.stdin.write(frames)) await once(this.child.stdin, 'drain');
  }

  /**
   * Resolves when the broker has acknowledged everything.
   *
   * @returns how many records, and how many a second.
   * @throws Error when one was not delivered.
   */
  async end(): Promise<{ readonly records: number; readonly rate: number }> {
    this.child.stdin.end();
    const [status] = await this.ended;
    if (status !== 0) throw new Error(`fill.py ended with ${status}`);
    const [records = NaN, rate = NaN] = this.said.split(' ').map(Number);
    return { records, rate };
  }
}

/** Fills a topic as fast as it goes. @returns records a second. */
export async function fillTopic(
  brokers: readonly string[],
  topic: string,
  count: number,
  records: Iterable<KeyedValue>,
): Promise<number> {
  const filler = Filler.start(brokers, topic);
  let lot: KeyedValue[] = [];
  for (const record of records) {
    lot.push(record);
    if (lot.length < LOT) continue;
    await filler.write(lot);
    lot = [];
  }
  await filler.write(lot);
  const { records: sent, rate } = await filler.end();
  if (sent !== count) throw new Error(`${sent} of ${count} records were sent`);
  return rate;
}
