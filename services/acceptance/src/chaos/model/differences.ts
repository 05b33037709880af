/** What one check has found. */
export interface CheckResult {
  readonly name: string;
  /** How many things were compared; a check that compared nothing has shown nothing. */
  readonly compared: number;
  /** How many of them differ. */
  readonly differing: number;
  /** The first of them. */
  readonly examples: readonly string[];
}

const MOST_EXAMPLES = 8;

/** Gathers the differences of one check. */
export class Comparison {
  private compared = 0;
  private differing = 0;
  private readonly examples: string[] = [];

  constructor(private readonly name: string) {}

  /** One more thing was compared. `difference`: what differs, undefined where nothing does. */
  add(difference?: string | false): void {
    this.compared += 1;
    if (difference === undefined || difference === false) return;
    this.differing += 1;
    if (this.examples.length < MOST_EXAMPLES) this.examples.push(difference);
  }

  /** Two maps by the same keys: nothing missing, nothing beyond, everything the same. */
  maps(expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): void {
    for (const [key, value] of expected) {
      const other = found.get(key);
      this.add(other !== value && `${key}: expected ${value}, found ${other ?? 'nothing'}`);
    }
    for (const [key, value] of found) {
      if (!expected.has(key)) this.add(`${key}: expected nothing, found ${value}`);
    }
  }

  get result(): CheckResult {
    const { name, compared, differing, examples } = this;
    return { name, compared, differing, examples };
  }
}
