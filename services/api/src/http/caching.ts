import { negotiate } from '@fastify/accept-negotiator';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fresh from 'fresh';
import { ENCODINGS, etagOf, Rendered } from './rendered.js';

/** Below this are answers that a client may keep, and ask whether they are still good. */
const API = '/v1/';

/** Figures change by the second, and whose they are is nobody's but the reader's: kept by nobody unless asked again each time. */
const REVALIDATE = 'private, no-cache';

/** What is shorter is sent as it is, in bytes. */
export const LEAST_PACKED_BYTES = 1024;

/**
 * Gives each whole answer of the API an ETag, and answers 304 to whoever has it already (RFC 9110, section 13). Whatever fails,
 * streams, and what a handler forbids to be stored has none. What is rendered already is sent as it is, packed as the client asks.
 */
export function addValidators(fastify: FastifyInstance): void {
  fastify.addHook('preSerialization', (_request, reply, payload, done) => {
    // Not to be put into words once more; the hook below has bytes of it.
    if (payload instanceof Rendered) void reply.serializer((rendered: unknown) => rendered as string);
    done(null, payload);
  });
  fastify.addHook('onSend', async (request, reply, payload: unknown) => {
    const rendered = payload instanceof Rendered ? (payload as Rendered<object>) : undefined;
    const etag = rendered?.etag ?? (typeof payload === 'string' ? etagOf(payload) : undefined);
    if (etag !== undefined && isValidated(request, reply)) {
      const given = reply.getHeader('cache-control');
      void reply.headers({ etag, 'cache-control': given === 'no-store' ? REVALIDATE : given });
      // Of the request's own headers only this one: what it says to caches is not for us.
      if (fresh({ 'if-none-match': request.headers['if-none-match'] }, { etag })) {
        void reply.code(304);
        return null;
      }
    }
    return rendered === undefined ? payload : packed(request, reply, rendered);
  });
}

const isValidated = ({ method, url }: FastifyRequest, reply: FastifyReply): boolean =>
  (method === 'GET' || method === 'HEAD') && reply.statusCode === 200 && url.startsWith(API);

/** The bytes to be sent; with an encoding that says so, they are not packed once more. */
function packed(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  rendered: Rendered<object>,
): Buffer | Promise<Buffer> {
  if (rendered.bytes.length < LEAST_PACKED_BYTES) return rendered.bytes;
  const given = reply.getHeader('vary') ?? [];
  void reply.header('vary', [given, 'accept-encoding'].flat().join(', '));
  // As @fastify/compress reads it for what is not rendered.
  const asked = headers['accept-encoding']?.toLowerCase().replaceAll(/\*|x-gzip/g, 'gzip');
  const encoding = asked === undefined ? null : negotiate(asked, [...ENCODINGS, 'identity']);
  if (encoding === null || encoding === 'identity') return rendered.bytes;
  void reply.header('content-encoding', encoding);
  return rendered.packedBy(encoding);
}
