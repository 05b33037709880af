import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fresh from 'fresh';

/** Below this are answers that a client may keep, and ask whether they are still good. */
const API = '/v1/';

/** Figures change by the second, and whose they are is nobody's but the reader's: kept by nobody unless asked again each time. */
const REVALIDATE = 'private, no-cache';

/**
 * Gives each whole answer of the API an ETag, and answers 304 to whoever has it already (RFC 9110, section 13). Weak, as it
 * is of the text before it is compressed. Whatever fails, streams, and what a handler forbids to be stored has none.
 */
export function addValidators(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (request, reply, payload, done) => {
    if (!isValidated(request, reply) || typeof payload !== 'string') {
      done(null, payload);
      return;
    }
    const etag = `W/"${createHash('sha1').update(payload).digest('base64url')}"`;
    const given = reply.getHeader('cache-control');
    void reply.headers({ etag, 'cache-control': given === 'no-store' ? REVALIDATE : given });
    // Of the request's own headers only this one: what it says to caches is not for us.
    if (fresh({ 'if-none-match': request.headers['if-none-match'] }, { etag })) {
      void reply.code(304);
      done(null, null);
      return;
    }
    done(null, payload);
  });
}

const isValidated = ({ method, url }: FastifyRequest, reply: FastifyReply): boolean =>
  (method === 'GET' || method === 'HEAD') && reply.statusCode === 200 && url.startsWith(API);
