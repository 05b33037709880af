import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import helmet from '@fastify/helmet';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem, PROBLEM_TYPE, problemDetails } from './problem.js';

export const REQUEST_ID_HEADER = 'x-request-id';

/** A proxy's request id is taken over when it is no more than an id. */
const REQUEST_ID = /^[\w-]{1,64}$/;

/** A user id is at most 256 bytes, so at most as many characters. */
const MAX_PARAMETER_LENGTH = 256;

export const pathOf = (url: string): string => url.split('?', 1)[0] ?? url;

/** How the API speaks HTTP: request ids, security headers, no caching, problems also for what the router refuses. */
export function apiAdapter(): FastifyAdapter {
  const adapter = new FastifyAdapter({
    genReqId: ({ headers }: { readonly headers: IncomingHttpHeaders }) => {
      const given = headers[REQUEST_ID_HEADER];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    frameworkErrors: refuse,
  });
  const fastify = adapter.getInstance();
  fastify.addHook('onRequest', (request, reply, done) => {
    // Figures change by the second, and whose they are is nobody's cache's business.
    reply.headers({ [REQUEST_ID_HEADER]: request.id, 'cache-control': 'no-store' });
    done();
  });
  fastify.register(helmet, {
    // Answers are data, not pages.
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    // Whether a company's domain is HTTPS only, and its subdomains too, is for whoever terminates TLS to say.
    hsts: false,
  });
  return adapter;
}

/** A URL that can't be decoded, or a parameter longer than any can be. No hook has run for it. */
function refuse(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const problem = new Problem('malformed_request', error.message);
  void reply
    .status(problem.status)
    .headers({ [REQUEST_ID_HEADER]: request.id, 'cache-control': 'no-store' })
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemDetails(problem, { path: pathOf(request.url), id: request.id })));
}
