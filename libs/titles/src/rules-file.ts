import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { z } from 'zod';
import { titleRulesSchema, type TitleRule } from './rule.js';

/** What a `titles.yaml` holds. */
export const titlesFileSchema = z.strictObject({
  titles: titleRulesSchema.describe('every title there is: what is not listed is no title any more'),
});

/** What is wrong with a rules file: not YAML, or not rules. */
export type RulesFileCode = 'malformed_yaml' | 'invalid_rule';

/** One fault, and where. */
export interface RulesFileFault {
  readonly code: RulesFileCode;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** The id of the rule that it lies in; null outside of rules, or where the id itself is missing. */
  readonly rule: string | null;
  /** Within the rule, as `metric.daily_cap`; '' for the whole. */
  readonly field: string;
  readonly message: string;
}

export type RulesFile =
  | { readonly ok: true; readonly rules: readonly TitleRule[] }
  | { readonly ok: false; readonly faults: readonly RulesFileFault[] };

type Path = readonly (string | number)[];

/**
 * Reads the text of a `titles.yaml` (YAML 1.2, so JSON too), with every default filled in, or says everything that is wrong with
 * it, in the order of the lines. An alias may not blow up a small file into a huge one: at most 100 times.
 */
export function readRulesFile(text: string): RulesFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const malformed = document.errors.map(({ pos, message }): RulesFileFault => ({
    code: 'malformed_yaml',
    ...at(pos[0]),
    rule: null,
    field: '',
    message,
  }));
  if (malformed.length > 0) return { ok: false, faults: malformed };

  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, faults: [{ code: 'malformed_yaml', ...at(0), rule: null, field: '', message }] };
  }
  const parsed = titlesFileSchema.safeParse(value, { reportInput: true });
  if (parsed.success) return { ok: true, rules: parsed.data.titles };
  const faults = parsed.error.issues.flatMap((issue) =>
    pathsOf(issue).map((path): RulesFileFault => ({
      code: 'invalid_rule',
      ...at(offsetOf(document, path)),
      rule: ruleAt(value, path),
      field: path.slice(2).join('.'),
      message: messageOf(issue),
    })),
  );
  return { ok: false, faults: faults.sort((a, b) => a.line - b.line || a.column - b.column) };
}

/** Where an issue lies: each unknown field is one of its own. */
function pathsOf(issue: z.core.$ZodIssue): readonly Path[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return 'is not known here';
  if (issue.code === 'invalid_type' && issue.input === undefined) return 'is required';
  return issue.message;
}

/** Where a path begins in the text: at the name of a field or at an entry of a list; of what is missing, at what lacks it. */
function offsetOf(document: Document, path: Path): number {
  let node = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (pair === undefined) return offset;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value as Node | null;
    } else if (isSeq(node)) {
      const item = node.items[Number(part)] as Node | undefined;
      if (item === undefined) return offset;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else {
      return offset;
    }
  }
  return offset;
}

/** The id that the rule of a path claims to have. */
function ruleAt(value: unknown, [list, index]: Path): string | null {
  if (list !== 'titles' || typeof index !== 'number') return null;
  const id = z.object({ titles: z.array(z.unknown()) }).safeParse(value).data?.titles[index];
  return z.object({ id: z.string() }).safeParse(id).data?.id ?? null;
}

/** The JSON Schema (draft 2020-12) of a rules file, for editors: what a file may say, with descriptions and defaults. */
export const titlesJsonSchema = (): object => ({
  title: 'The rules of Laurel’s titles',
  ...z.toJSONSchema(titlesFileSchema, { io: 'input', target: 'draft-2020-12' }),
});
