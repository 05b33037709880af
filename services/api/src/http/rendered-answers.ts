import { Rendered } from './rendered.js';

/** Of all answers together, before they are packed, which adds a tenth for each way, in bytes; some hundreds of boards. */
const MOST_BYTES = 64 * 2 ** 20;

interface Known {
  readonly basis: readonly unknown[];
  readonly rendered: Promise<Rendered<object>>;
  bytes: number;
}

/**
 * Answers that do not depend on who asks, rendered once for all who ask for the same while what they rest on stays the same. So none
 * is older than if it were made for each: the parts of a basis are compared by identity at every request, whereas what they are read
 * from is `Reused`. Of those asked for longest ago, what is beyond `mostBytes` is forgotten.
 */
export class RenderedAnswers {
  private readonly known = new Map<string, Known>();
  private bytes = 0;

  constructor(private readonly mostBytes = MOST_BYTES) {}

  /**
   * @param key tells the answer from all others: its endpoint and parameters. Nobody's own.
   * @param basis whatever the answer is made of, taken before it is made: what changes meanwhile makes it anew.
   * @throws Error of `make`, which is not remembered.
   */
  get<T extends object>(
    key: readonly unknown[],
    basis: readonly unknown[],
    make: () => T | Promise<T>,
  ): Promise<Rendered<T>> {
    const name = JSON.stringify(key);
    const known = this.known.get(name);
    if (known === undefined || !isSame(known.basis, basis)) return this.render(name, basis, make);
    // A Map iterates in the order of insertion, so the first is the one asked for longest ago.
    this.known.delete(name);
    this.known.set(name, known);
    // By its key it is of this type.
    return known.rendered as Promise<Rendered<T>>;
  }

  private async render<T extends object>(
    name: string,
    basis: readonly unknown[],
    make: () => T | Promise<T>,
  ): Promise<Rendered<T>> {
    const rendered = Promise.resolve()
      .then(make)
      .then((answer) => Rendered.of(answer));
    const known: Known = { basis, rendered, bytes: 0 };
    this.forget(name);
    this.known.set(name, known);
    try {
      const { bytes } = await rendered;
      if (this.known.get(name) === known) this.count(known, bytes.length);
    } catch (error) {
      if (this.known.get(name) === known) this.forget(name);
      throw error;
    }
    return rendered;
  }

  private count(known: Known, bytes: number): void {
    known.bytes = bytes;
    this.bytes += bytes;
    for (const name of this.known.keys()) {
      if (this.bytes <= this.mostBytes) return;
      this.forget(name);
    }
  }

  private forget(name: string): void {
    this.bytes -= this.known.get(name)?.bytes ?? 0;
    this.known.delete(name);
  }
}

const isSame = (some: readonly unknown[], others: readonly unknown[]): boolean =>
  some.length === others.length && some.every((one, index) => Object.is(one, others[index]));
