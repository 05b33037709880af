import type { TitleRules } from '@laurel/events';
import { builtInRules } from './built-in-rules.js';
import { titleRulesSchema, type TitleRule } from './rule.js';

/** What was published as rules can't be read: by a newer version of Laurel, or not by `laurel titles apply`. */
export class RulesNotUnderstood extends Error {
  override readonly name = 'RulesNotUnderstood';
  readonly code = 'rules_not_understood';
  readonly retryable = false;

  constructor(offset: number, options?: ErrorOptions) {
    super(`offset ${offset} of titles.rules.v1 has rules that this version of Laurel does not understand`, options);
  }
}

/** The record that `laurel titles apply` writes. */
export const publishedRules = (rules: readonly TitleRule[], publishedAtMs: number): TitleRules => ({
  published_at: publishedAtMs,
  rules: JSON.stringify(rules),
});

/** The rules in force: the last that were published, and Laurel's own until then. */
export class RuleBook {
  private current: readonly TitleRule[] = builtInRules;
  private lastOffset = -1;
  private readonly latest = new Map<string, TitleRule>(builtInRules.map((rule) => [rule.id, rule]));

  get rules(): readonly TitleRule[] {
    return this.current;
  }

  /** Every title that there ever was, by its last rule. */
  get known(): ReadonlyMap<string, TitleRule> {
    return this.latest;
  }

  /** The offset of the record in force; -1 while Laurel's own are. */
  get offset(): number {
    return this.lastOffset;
  }

  /**
   * Takes the next record of `titles.rules.v1`; one that was taken already is skipped.
   *
   * @throws RulesNotUnderstood
   */
  add(offset: number, { rules }: Pick<TitleRules, 'rules'>): void {
    if (offset <= this.lastOffset) return;
    let parsed;
    try {
      parsed = titleRulesSchema.parse(JSON.parse(rules));
    } catch (cause) {
      throw new RulesNotUnderstood(offset, { cause });
    }
    this.current = parsed;
    for (const rule of parsed) this.latest.set(rule.id, rule);
    this.lastOffset = offset;
  }
}
