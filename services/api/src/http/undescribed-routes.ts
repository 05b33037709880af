import { openApiPath, type Json } from './openapi.js';

/** HEAD is answered as GET without a body, OPTIONS by whoever speaks CORS; neither has a description of its own. */
const IMPLIED = new Set(['HEAD', 'OPTIONS']);

/** Where the API is; anything else is files of the page, the same for everybody. */
const API = /^\/(v1|auth)(\/|$)/;

/** Routes of the API that the OpenAPI document does not know, as 'GET /v1/…'. */
export function undescribedRoutes(
  routes: Iterable<{ readonly url: string; readonly methods: Iterable<string> }>,
  document: Json,
): readonly string[] {
  const paths = document['paths'] as Readonly<Record<string, Json>>;
  return [...routes]
    .filter(({ url }) => API.test(url))
    .flatMap(({ url, methods }) =>
      [...methods]
        .filter((method) => !IMPLIED.has(method) && paths[openApiPath(url)]?.[method.toLowerCase()] === undefined)
        .map((method) => `${method} ${url}`),
    );
}
