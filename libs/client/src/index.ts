import createFetchClient, { type Client as FetchClient } from 'openapi-fetch';
import type { components, paths } from './generated/schema.js';

export type { paths } from './generated/schema.js';

/** The parts of answers by the names that the API's description gives them. */
export type Schemas = components['schemas'];

export interface ClientOptions {
  /** Where the API is, without a path: `https://laurel.example.com`. */
  readonly url: string;
  /** Of `laurel tokens create`; without one the client is whoever the API takes an anonymous caller for. */
  readonly token?: string;
  /** @default the platform's */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/**
 * One method for each HTTP method, whose paths, parameters, answers and problems are those of the API's description. A call resolves with
 * `data`, or with a problem (RFC 9457) as `error`; it rejects only when nothing was answered.
 *
 * ```ts
 * const { data, error } = await laurelClient({ url, token }).GET('/v1/leaderboards/{metric}', {
 *   params: { path: { metric: 'total_tokens' }, query: { window: '7d' } },
 * });
 * ```
 */
export function laurelClient({ url, token, fetch }: ClientOptions): Client {
  return createFetchClient<paths, Media>({
    baseUrl: url,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    ...(fetch === undefined ? {} : { fetch }),
  });
}

/** Tables are for whoever reads them without types. */
type Media = 'application/json' | 'application/problem+json';

export type Client = FetchClient<paths, Media>;
