/** What was read is used again for so many times as long as reading it took … */
const FRESH_TIMES = 10;
/** … and for so many times as long while it is read anew; after that whoever asks waits. */
const STALE_TIMES = 20;
/** A read that took longer was held up by something else, and counts as one of so long, in ms. */
const MOST_TOOK_MS = 1000;

interface Known<T> {
  readonly value: T;
  readonly atMs: number;
  readonly tookMs: number;
}

/**
 * An answer that is dear to work out, for many who ask. So that reading never takes more than a tenth of the time, however many
 * ask, an answer is used again for ten times as long as it took: some tenths of a second for 300 people, some seconds for
 * 85,000. For as long again it is still given, while it is read anew behind it.
 */
export class Reused<T> {
  private known: Known<T> | undefined;
  private reading: Promise<T> | undefined;

  /**
   * @param read is given the last answer, and may return it when nothing has changed.
   * @param clock in ms.
   * @param mostTookMs a read that took longer counts as one of so long.
   */
  constructor(
    private readonly read: (last: T | undefined) => Promise<T>,
    private readonly clock: () => number = () => performance.now(),
    private readonly mostTookMs = MOST_TOOK_MS,
  ) {}

  /** @throws Error of `read`, where there is no answer that is young enough. */
  get(): Promise<T> {
    const { known } = this;
    if (known === undefined) return this.readOnce();
    const ageMs = this.clock() - known.atMs;
    if (ageMs > STALE_TIMES * known.tookMs) return this.readOnce();
    // Its failure is for whoever asks when this answer is too old.
    if (ageMs > FRESH_TIMES * known.tookMs) this.readOnce().catch(() => undefined);
    return Promise.resolve(known.value);
  }

  private readOnce(): Promise<T> {
    this.reading ??= this.readAnew().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  private async readAnew(): Promise<T> {
    const began = this.clock();
    const last = this.known;
    const value = await this.read(last?.value);
    // Dated by its beginning: what came in meanwhile it may not have seen. What was only looked at cost little, and would be
    // looked at all the time.
    const tookMs = value === last?.value ? last.tookMs : Math.min(this.clock() - began, this.mostTookMs);
    this.known = { value, atMs: began, tookMs };
    return value;
  }
}

/** An answer, and what it rests on. */
export interface Based<T> {
  readonly basis: string;
  readonly answer: T;
}

/** A read that gives the last answer again while it rests on the same. The basis is asked for first: what changes meanwhile makes the answer old. */
export const readIfOther =
  <K, T>(basisOf: (key: K) => Promise<string>, read: (key: K) => Promise<T>) =>
  async (key: K, last: Based<T> | undefined): Promise<Based<T>> => {
    const basis = await basisOf(key);
    return basis === last?.basis ? last : { basis, answer: await read(key) };
  };

/** One `Reused` for each key; of the keys that were asked for longest ago, those beyond `most` are forgotten. */
export class ReusedByKey<K, T> {
  private readonly answers = new Map<string, Reused<T>>();

  /** @param keyOf equal for keys that have the same answer. */
  constructor(
    private readonly read: (key: K, last: T | undefined) => Promise<T>,
    private readonly keyOf: (key: K) => string,
    private readonly most: number,
    private readonly mostTookMs = MOST_TOOK_MS,
  ) {}

  get(key: K): Promise<T> {
    const name = this.keyOf(key);
    const answer = this.answers.get(name) ?? new Reused<T>((last) => this.read(key, last), undefined, this.mostTookMs);
    // A Map iterates in the order of insertion, so the first is the one asked for longest ago.
    this.answers.delete(name);
    this.answers.set(name, answer);
    const [oldest] = this.answers.keys();
    if (this.answers.size > this.most && oldest !== undefined) this.answers.delete(oldest);
    return answer.get();
  }
}
