import { Reused, ReusedByKey } from './reused.js';

describe('an answer that is dear to work out', () => {
  let nowMs = 0;
  let reads = 0;
  /** Every read takes 100 ms, and is under way until it is let go on. */
  let goOn: (() => void)[] = [];
  const read = async (): Promise<number> => {
    const number = (reads += 1);
    await new Promise<void>((resolve) => goOn.push(resolve));
    nowMs += 100;
    return number;
  };
  const finish = async (): Promise<void> => {
    for (const one of goOn.splice(0)) one();
    await new Promise(setImmediate);
  };
  beforeEach(() => {
    [nowMs, reads, goOn] = [0, 0, []];
  });

  it('is read once for all who ask meanwhile', async () => {
    const answer = new Reused(read, () => nowMs);
    const asked = [answer.get(), answer.get()];
    await finish();
    expect(await Promise.all(asked)).toEqual([1, 1]);
    expect(reads).toBe(1);
  });

  it('is used again for ten times as long as reading it took, then read anew behind, then waited for', async () => {
    const answer = new Reused(read, () => nowMs);
    void answer.get();
    await finish();
    nowMs = 1000;
    expect(await answer.get()).toBe(1);
    expect(reads).toBe(1);
    nowMs = 1001;
    expect(await answer.get()).toBe(1);
    expect(reads).toBe(2);
    await finish();
    expect(await answer.get()).toBe(2);

    nowMs = 1001 + 2001;
    const waiting = answer.get();
    await finish();
    expect(await waiting).toBe(3);
  });

  it('stays as it was for as long again when nothing has changed', async () => {
    let looks = 0;
    const answer = new Reused(
      async (last: number | undefined) => {
        looks += 1;
        return last ?? read();
      },
      () => nowMs,
    );
    const first = answer.get();
    await new Promise(setImmediate);
    await finish();
    expect(await first).toBe(1);
    nowMs = 5000;
    expect(await answer.get()).toBe(1);
    expect(looks).toBe(2);
    nowMs = 5900;
    expect(await answer.get()).toBe(1);
    expect(looks).toBe(2);
  });

  it('fails for whoever waits, and is read again by whoever asks next', async () => {
    let fails = true;
    const answer = new Reused(() => (fails ? Promise.reject(new Error('away')) : Promise.resolve(7)));
    await expect(answer.get()).rejects.toThrow('away');
    fails = false;
    expect(await answer.get()).toBe(7);
  });

  it('is given from before for a while when reading it anew fails', async () => {
    let fails = false;
    const answer = new Reused(
      async () => {
        if (fails) throw new Error('away');
        return read();
      },
      () => nowMs,
    );
    void answer.get();
    await finish();
    fails = true;
    nowMs = 1500;
    expect(await answer.get()).toBe(1);
    nowMs = 2500;
    await expect(answer.get()).rejects.toThrow('away');
  });

  it('is forgotten when it is the one asked for longest ago, and there are too many', async () => {
    const asked: string[] = [];
    const answers = new ReusedByKey<string, string>(
      (key) => {
        asked.push(key);
        // So that it is used again for long.
        return new Promise((resolve) => setTimeout(() => resolve(key), 20));
      },
      (key) => key,
      2,
    );
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) expect(await answers.get(key)).toBe(key);
    expect(asked).toEqual(['a', 'b', 'c', 'b']);
  });
});
