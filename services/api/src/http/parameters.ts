import { z } from 'zod';
import type { Scope } from '@laurel/titles';
import { DAY_MS, dayOf, dayStartMs, isWindowName, MAX_WINDOW_DAYS, parseDayKey } from '@laurel/usage';
import { Problem, type ParameterFault, type ParameterPlace } from './problem.js';

const bytes = (text: string): number => Buffer.byteLength(text);

/** JSON Schema of what a client writes, where zod can't tell it from the schema that reads it. */
export const wireForms = z.registry<Readonly<Record<string, unknown>>>();

/** A parameter of which the document says `form`; both stand side by side, and a test holds them together. */
function written<S extends z.ZodType>(schema: S, form: Readonly<Record<string, unknown>>): S {
  wireForms.add(schema, form);
  return schema;
}

const windowName = z.string().refine(isWindowName, {
  error: `is not a number of days from 1d to ${MAX_WINDOW_DAYS}d, week, month or all`,
});

/** That of whoever asks for none. */
export const STANDARD_WINDOW = '30d';

/** UTC days, today included. */
export const windowParameter = written(windowName.default(STANDARD_WINDOW), {
  type: 'string',
  pattern: '^([1-9]\\d?|[12]\\d\\d|3[0-5]\\d|36[0-6])d$|^(week|month|all)$',
  default: STANDARD_WINDOW,
  description: `the last n UTC days, today included: 1d to ${MAX_WINDOW_DAYS}d; the calendar week (Monday first) or month so far; or all time`,
});

export const limitParameter = (standard: number, max: number) =>
  written(
    z
      .string()
      .regex(/^\d{1,9}$/, 'is not a whole number')
      .transform(Number)
      .refine((limit) => limit >= 1 && limit <= max, `is not within 1 … ${max}`)
      .default(standard),
    { type: 'integer', minimum: 1, maximum: max, default: standard, description: 'how many at most' },
  );

/** How many entries a JSON answer has unless asked otherwise. */
export const STANDARD_PAGE = 100;

/** How many entries of a list; what holds unless it is given differs between JSON and tables. */
export const pageLimitParameter = written(
  z
    .string()
    .regex(/^\d{1,9}$/, 'is not a whole number')
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= 1000, 'is not within 1 … 1000')
    .optional(),
  {
    type: 'integer',
    minimum: 1,
    maximum: 1000,
    description: 'how many at most; unless given, 100 in JSON, and all in a table',
  },
);

/** Where a list goes on; see `Cursors`. */
export const cursorParameter = z
  .string()
  .min(1)
  .max(4096)
  .optional()
  .describe('`next_cursor` of the answer before: what follows it. All other parameters are to be as they were');

/** How many of a list to leave out. */
export const offsetParameter = written(
  z
    .string()
    .regex(/^\d{1,9}$/, 'is not a whole number')
    .transform(Number)
    .default(0),
  {
    type: 'integer',
    minimum: 0,
    maximum: 999_999_999,
    default: 0,
    description: 'how many to leave out, of what follows the cursor if there is one; for a window into a long list',
  },
);

/** What handles and names are searched for. */
export const searchParameter = written(
  z
    .string()
    .refine((text) => text.trim() !== '' && bytes(text) <= 256, 'is not of 1 to 256 bytes that are not all white space')
    .optional(),
  {
    type: 'string',
    minLength: 1,
    maxLength: 256,
    pattern: '\\S',
    description:
      'only people whose handle or shown name has this in it, in any case of letters, or whose pseudonym it is',
  },
);

export const userParameter = written(
  z.string().refine((id) => bytes(id) >= 1 && bytes(id) <= 256, 'is not of 1 to 256 bytes'),
  { type: 'string', minLength: 1, maxLength: 256, description: 'a pseudonym: 1 to 256 bytes of UTF-8' },
);

export const titleParameter = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}$/, 'is not the id of a title')
  .describe('the id of a title');

const FIRST_DAY = dayOf(Date.UTC(2020, 0, 1));

/** A day that has begun, as the instant of its beginning, in ms. */
export const asOfParameter = written(
  z
    .string()
    .transform((day, context) => {
      const parsed = parseDayKey(day);
      if (parsed === undefined || parsed < FIRST_DAY || parsed > dayOf(Date.now())) {
        context.addIssue({ code: 'custom', message: 'is not a UTC day from 2020-01-01 to today' });
        return z.NEVER;
      }
      return dayStartMs(parsed);
    })
    .optional(),
  {
    type: 'string',
    format: 'date',
    description:
      'at the end of this UTC day, from 2020-01-01 to today: of what was used until then, as it is known now; people are shown as they choose now',
  },
);
/** The first instant after that day; none without a day. */
export const endOf = (asOf: number | undefined): number => (asOf === undefined ? Infinity : asOf + DAY_MS);

const TEAM = 'team:';
export type ScopeParameter = { readonly kind: 'company' } | { readonly kind: 'team'; readonly team: string };

/** `company`, or `team:<team>`: what was used under that team's name. */
export const scopeParameter = written(
  z
    .string()
    .refine((scope) => scope === 'company' || (scope.startsWith(TEAM) && bytes(scope) > 5 && bytes(scope) <= 261), {
      error: 'is neither company nor team:<team>',
    })
    .transform((scope): ScopeParameter =>
      scope === 'company' ? { kind: 'company' } : { kind: 'team', team: scope.slice(TEAM.length) },
    )
    .default({ kind: 'company' }),
  {
    type: 'string',
    pattern: '^(company|team:[\\s\\S]+)$',
    maxLength: 261,
    default: 'company',
    description: 'company, or team:<team>: what was used under that team’s name, of 1 to 256 bytes',
  },
);

const FAMILY = 'family:';

/** A scope in which titles are awarded. */
export const titleScopeParameter = written(
  z
    .string()
    .refine(
      (scope) =>
        scope === 'company' ||
        [TEAM, FAMILY].some((kind) => scope.startsWith(kind) && bytes(scope) > kind.length && bytes(scope) <= 263),
      { error: 'is neither company, team:<team> nor family:<model family>' },
    )
    .transform((scope) => scope as Scope)
    .default('company'),
  {
    type: 'string',
    pattern: '^(company|(team|family):[\\s\\S]+)$',
    maxLength: 263,
    default: 'company',
    description: 'company, team:<team>, or family:<model family>',
  },
);

/** An event id of a stream: the offset of an award; -1 is before the first. */
export const eventIdParameter = written(
  z
    .string()
    .regex(/^(-1|\d{1,15})$/, 'is not the id of an award in this stream')
    .transform(Number)
    .optional(),
  {
    type: 'string',
    pattern: '^(-1|\\d{1,15})$',
    description: 'the id of the last event that the client knows; -1 is before the first',
  },
);

export const textOf = (scope: ScopeParameter): string =>
  scope.kind === 'company' ? 'company' : `${TEAM}${scope.team}`;

/** The parameters of an endpoint, by place. */
export type Shapes = Readonly<Partial<Record<ParameterPlace, z.ZodRawShape>>>;
export type Read<S extends Shapes> = {
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
  // A body that is no object has no fields to be at fault.
  const parameter = issue.path[1] === undefined ? place : String(issue.path[1]);
  const values = given[place] as Readonly<Partial<Record<string, unknown>>> | undefined;
  return place !== 'body' && Array.isArray(values?.[parameter])
    ? [{ parameter, in: place, code: 'repeated', detail: 'is given more than once' }]
    : [{ parameter, in: place, code: 'invalid', detail: issue.message }];
}
