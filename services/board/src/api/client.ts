import type { ProblemDetails } from './answers.js';

/** What went wrong with a request, as far as the page shows it. */
export class RequestFailed extends Error {
  constructor(
    /** Of the problem; `offline` when nothing was answered, `unreadable` when it is no answer of the API. */
    readonly code: string,
    readonly isPassing: boolean,
    message: string,
    /** To be named to whoever runs Laurel; null when there is none. */
    readonly requestId: string | null,
    /** What of the request is at fault, as far as the problem says. */
    readonly faults: NonNullable<ProblemDetails['errors']> = [],
  ) {
    super(message);
    this.name = 'RequestFailed';
  }
}

type Parameters = Readonly<Record<string, string | number | undefined>>;

/** @throws RequestFailed */
export const read = <T>(path: string, parameters: Parameters, signal: AbortSignal): Promise<T> =>
  ask<T>(path, parameters, { signal });

/**
 * Changes something.
 *
 * @param csrfToken as the session has it; null where none is needed.
 * @throws RequestFailed
 */
export const send = <T>(
  method: 'PATCH' | 'DELETE' | 'POST',
  path: string,
  parameters: Parameters,
  csrfToken: string | null,
  body?: unknown,
): Promise<T> =>
  ask<T>(path, parameters, {
    method,
    headers: {
      ...(csrfToken === null ? {} : { 'x-csrf-token': csrfToken }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

async function ask<T>(path: string, parameters: Parameters, init: RequestInit): Promise<T> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, String(value));
  const text = query.toString();
  const response = await fetch(text === '' ? path : `${path}?${text}`, init).catch((error: unknown) => {
    if (init.signal?.aborted === true) throw error;
    throw new RequestFailed('offline', true, 'Laurel does not answer.', null);
  });
  const body: unknown = await response.json().catch(() => undefined);
  // The answers' shapes are the API's contract, which tests of both hold.
  if (response.ok && body !== undefined) return body as T;
  if (!isProblem(body))
    throw new RequestFailed('unreadable', response.status >= 500, `Status ${response.status}`, null);
  throw new RequestFailed(body.code, body.status >= 500, body.detail, body.request_id, body.errors);
}

const isProblem = (body: unknown): body is ProblemDetails =>
  typeof body === 'object' && body !== null && 'code' in body;

export const userPath = (userId: string, part = ''): string => `/v1/users/${encodeURIComponent(userId)}${part}`;

/**
 * Ends the viewer's session.
 *
 * @returns where to go to be signed out at the provider too; null without such a place.
 * @throws RequestFailed
 */
export const signOut = async (csrfToken: string | null): Promise<string | null> =>
  (await send<{ readonly provider_url: string | null }>('POST', '/auth/logout', {}, csrfToken)).provider_url;
