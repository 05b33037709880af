import { z } from 'zod';

/** Every problem that the API answers with; a code never changes its meaning. */
export const problemKinds = {
  invalid_parameter: { status: 400, title: 'A parameter is not valid' },
  malformed_request: { status: 400, title: 'The request is malformed' },
  not_found: { status: 404, title: 'There is nothing at this address' },
  invalid_token: { status: 401, title: 'The token is not valid' },
  sign_in_required: { status: 401, title: 'This is not for everybody' },
  not_permitted: { status: 403, title: 'This is not permitted' },
  csrf_refused: { status: 403, title: 'The request does not come from our own page' },
  sign_in_failed: { status: 403, title: 'The sign-in failed' },
  no_sign_in: { status: 404, title: 'There is no sign-in here' },
  handle_taken: { status: 409, title: 'The handle is taken' },
  no_usage: { status: 404, title: 'No usage was recorded for this person' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  not_acceptable: { status: 406, title: 'This is not given in a format that was asked for' },
  headers_too_large: { status: 431, title: 'The address or the headers are too long' },
  rate_limited: { status: 429, title: 'Too many requests' },
  starting: { status: 503, title: 'The service is starting' },
  sign_in_unavailable: { status: 503, title: 'The sign-in provider cannot be reached at the moment' },
  too_many_streams: { status: 503, title: 'There are as many streams as there may be' },
  choice_not_written: { status: 503, title: 'The choice was not written, or not known to be' },
  storage_unavailable: { status: 503, title: 'The figures cannot be read at the moment' },
  internal: { status: 500, title: 'Something went wrong on our side' },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>;

export type ProblemCode = keyof typeof problemKinds;

export const problemCodes = Object.keys(problemKinds) as [ProblemCode, ...ProblemCode[]];

export type ParameterPlace = 'path' | 'query' | 'header' | 'body';

/** What is wrong with one parameter. */
const parameterFaultSchema = z.object({
  parameter: z.string(),
  in: z.enum(['path', 'query', 'header', 'body']),
  code: z.enum(['unknown', 'repeated', 'invalid']),
  detail: z.string().describe('for a person; never decide on it'),
});
export type ParameterFault = Readonly<z.output<typeof parameterFaultSchema>>;

export interface ProblemOptions {
  readonly errors?: readonly ParameterFault[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** A request that is answered with a problem; its detail is shown to the caller, its cause only in the log. */
export class Problem extends Error {
  readonly status: number;
  readonly errors: readonly ParameterFault[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    { errors = [], headers = {}, cause }: ProblemOptions = {},
  ) {
    super(detail, { cause });
    this.name = 'Problem';
    this.status = problemKinds[code].status;
    this.errors = errors;
    this.headers = headers;
  }
}

/** How soon a request is worth repeating while something is away, in seconds. */
const RETRY_AFTER_S = 2;

/** For what passes by itself: 503 with Retry-After. */
export const passingProblem = (
  code: 'starting' | 'choice_not_written' | 'storage_unavailable' | 'sign_in_unavailable' | 'too_many_streams',
  detail: string,
  cause?: unknown,
): Problem => new Problem(code, detail, { headers: { 'retry-after': String(RETRY_AFTER_S) }, cause });

export const PROBLEM_TYPE = 'application/problem+json';

/** Problem details (RFC 9457), with the extension members `code`, `request_id` and, for parameters, `errors`. */
export const problemSchema = z.object({
  type: z.string().describe('a URN of the code'),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('for a person; never decide on it'),
  instance: z.string().describe('the path that was asked for'),
  code: z.enum(problemCodes).describe('decide on this; a code never changes its meaning'),
  request_id: z.string(),
  errors: z.array(parameterFaultSchema).readonly().optional().describe('every parameter at fault'),
});
export type ProblemDetails = Readonly<z.output<typeof problemSchema>>;

export function problemDetails(
  problem: Problem,
  request: { readonly path: string; readonly id: string },
): ProblemDetails {
  return {
    type: `urn:problem-type:laurel:${problem.code}`,
    title: problemKinds[problem.code].title,
    status: problem.status,
    detail: problem.detail,
    instance: request.path,
    code: problem.code,
    request_id: request.id,
    ...(problem.errors.length === 0 ? {} : { errors: problem.errors }),
  };
}
