import { z } from 'zod';
import { isWindowName, MAX_WINDOW_DAYS } from '@laurel/usage';
import { Problem, type ParameterFault, type ParameterPlace } from './problem.js';

const bytes = (text: string): number => Buffer.byteLength(text);

const windowName = z.string().refine(isWindowName, {
  error: `is not a number of days from 1d to ${MAX_WINDOW_DAYS}d, week, month or all`,
});

/** UTC days, today included. */
export const windowParameter = windowName.default('30d');

export const limitParameter = (standard: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'is not a whole number')
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= max, `is not within 1 … ${max}`)
    .default(standard);

export const userParameter = z.string().refine((id) => bytes(id) >= 1 && bytes(id) <= 256, 'is not of 1 to 256 bytes');

export const titleParameter = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'is not the id of a title');

const TEAM = 'team:';
export type ScopeParameter = { readonly kind: 'company' } | { readonly kind: 'team'; readonly team: string };

/** `company`, or `team:<team>`: what was used under that team's name. */
export const scopeParameter = z
  .string()
  .refine((scope) => scope === 'company' || (scope.startsWith(TEAM) && bytes(scope) > 5 && bytes(scope) <= 261), {
    error: 'is neither company nor team:<team>',
  })
  .transform((scope): ScopeParameter =>
    scope === 'company' ? { kind: 'company' } : { kind: 'team', team: scope.slice(TEAM.length) },
  )
  .default({ kind: 'company' });

/** An event id of a stream: the offset of an award; -1 is before the first. */
export const eventIdParameter = z
  .string()
  .regex(/^(-1|\d{1,15})$/, 'is not the id of an award in this stream')
  .transform(Number)
  .optional();

type Shapes = Readonly<Partial<Record<ParameterPlace, z.ZodRawShape>>>;
type Read<S extends Shapes> = {
  readonly [P in keyof S]: S[P] extends z.ZodRawShape ? z.output<z.ZodObject<S[P]>> : never;
};

/**
 * Reads parameters by place. Nothing unknown is taken, as a misspelt parameter would else be silently without effect;
 * but of the headers only those that are asked for are looked at.
 *
 * @throws Problem `invalid_parameter` with every fault.
 */
export function readParameters<const S extends Shapes>(
  shapes: S,
  given: { readonly [P in keyof S]: unknown },
): Read<S> {
  const places = Object.entries(shapes).map(([place, shape]) => [
    place,
    place === 'header' ? z.object(shape) : z.strictObject(shape),
  ]);
  const schema = z.object(Object.fromEntries(places) as Record<string, z.ZodType>);
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data as Read<S>;
  const errors = parsed.error.issues.flatMap((issue) => faultsOf(issue, given));
  throw new Problem('invalid_parameter', errors.map(({ parameter, detail }) => `${parameter} ${detail}`).join('; '), {
    errors,
  });
}

function faultsOf(issue: z.core.$ZodIssue, given: Readonly<Partial<Record<string, unknown>>>): ParameterFault[] {
  const place = String(issue.path[0]) as ParameterPlace;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((parameter) => ({ parameter, in: place, code: 'unknown', detail: 'is not known here' }));
  }
  const parameter = String(issue.path[1]);
  const values = given[place] as Readonly<Partial<Record<string, unknown>>>;
  return Array.isArray(values[parameter])
    ? [{ parameter, in: place, code: 'repeated', detail: 'is given more than once' }]
    : [{ parameter, in: place, code: 'invalid', detail: issue.message }];
}
