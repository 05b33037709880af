/** Every problem that the API answers with; a code never changes its meaning. */
export const problemKinds = {
  invalid_parameter: { status: 400, title: 'A parameter is not valid' },
  malformed_request: { status: 400, title: 'The request is malformed' },
  not_found: { status: 404, title: 'There is nothing at this address' },
  no_usage: { status: 404, title: 'No usage was recorded for this person' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  starting: { status: 503, title: 'The service is starting' },
  storage_unavailable: { status: 503, title: 'The figures cannot be read at the moment' },
  internal: { status: 500, title: 'Something went wrong on our side' },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>;

export type ProblemCode = keyof typeof problemKinds;

export type ParameterPlace = 'path' | 'query' | 'header';

/** What is wrong with one parameter. */
export interface ParameterFault {
  readonly parameter: string;
  readonly in: ParameterPlace;
  readonly code: 'unknown' | 'repeated' | 'invalid';
  /** For a person; never decide on it. */
  readonly detail: string;
}

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
export const passingProblem = (code: 'starting' | 'storage_unavailable', detail: string, cause?: unknown): Problem =>
  new Problem(code, detail, { headers: { 'retry-after': String(RETRY_AFTER_S) }, cause });

export const PROBLEM_TYPE = 'application/problem+json';

/** Problem details (RFC 9457), with the extension members `code`, `request_id` and, for parameters, `errors`. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The path that was asked for. */
  readonly instance: string;
  readonly code: ProblemCode;
  readonly request_id: string;
  readonly errors?: readonly ParameterFault[];
}

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
