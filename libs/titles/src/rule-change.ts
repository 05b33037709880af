import type { RuleBook } from './rule-book.js';
import type { TitleRule } from './rule.js';

/** What a new set of rules changes about one title. */
export type RuleChange =
  | { readonly kind: 'added' | 'removed' | 'reworded' | 'rejudged'; readonly id: string }
  | { readonly kind: 'refused'; readonly id: string; readonly code: RuleChangeFault; readonly message: string };

export type RuleChangeFault = 'version_not_raised' | 'version_lowered';

/** May change without judging anybody differently. */
const WORDS: ReadonlySet<string> = new Set(['name', 'description', 'icon', 'version', 'valid_from', 'valid_until']);

/**
 * How a set of rules differs from those in force, in its own order, then what is removed; [] when it does not.
 *
 * A rule that judges differently needs a higher version, as awards say which version they followed; a lower version would
 * never be followed, as `decide` leaves a title alone that was judged by a later one. That holds for titles that were removed
 * and come back, too.
 */
export function ruleChanges(book: Pick<RuleBook, 'rules' | 'known'>, to: readonly TitleRule[]): readonly RuleChange[] {
  const current = new Set(book.rules.map(({ id }) => id));
  const kept = new Set(to.map(({ id }) => id));
  return [
    ...to.flatMap((rule) => changeOf(book.known.get(rule.id), current.has(rule.id), rule)),
    ...book.rules.filter(({ id }) => !kept.has(id)).map(({ id }): RuleChange => ({ kind: 'removed', id })),
  ];
}

function changeOf(before: TitleRule | undefined, isCurrent: boolean, rule: TitleRule): RuleChange[] {
  const { id, version } = rule;
  if (before === undefined) return [{ kind: 'added', id }];
  if (version < before.version) {
    const message = `has version ${version}, but ${before.version} was published already: give it ${before.version + 1}`;
    return [{ kind: 'refused', id, code: 'version_lowered', message }];
  }
  if (version === before.version && judging(before) !== judging(rule)) {
    const message = `judges differently under the same version: give it version ${version + 1}`;
    return [{ kind: 'refused', id, code: 'version_not_raised', message }];
  }
  if (!isCurrent) return [{ kind: 'added', id }];
  if (version > before.version) return [{ kind: 'rejudged', id }];
  return canonical(before) === canonical(rule) ? [] : [{ kind: 'reworded', id }];
}

const judging = (rule: TitleRule): string =>
  canonical(Object.fromEntries(Object.entries(rule).filter(([field]) => !WORDS.has(field))));

/** JSON with the fields of every object in one order. */
const canonical = (value: object): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
