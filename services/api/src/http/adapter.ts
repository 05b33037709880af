import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import compress from '@fastify/compress';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { callerOf } from '../access/caller.js';
import { addValidators, LEAST_PACKED_BYTES } from './caching.js';
import { Problem, PROBLEM_TYPE, problemDetails } from './problem.js';
import { ENCODINGS } from './rendered.js';

export const REQUEST_ID_HEADER = 'x-request-id';

/** A proxy's request id is taken over when it is no more than an id. */
const REQUEST_ID = /^[\w-]{1,64}$/;

/** A user id is at most 256 bytes, so at most as many characters. */
const MAX_PARAMETER_LENGTH = 256;

export const pathOf = (url: string): string => url.split('?', 1)[0] ?? url;

const MINUTE_MS = 60_000;

export interface HttpOptions {
  /** Addresses or networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. */
  readonly trustedProxies: readonly string[];
  /** Requests of one caller in a minute; 0: any number. Callers on this machine are never limited. */
  readonly requestsPerMinute: number;
  /** Pages of these origins may read answers, without cookies. */
  readonly corsOrigins: readonly string[];
  /** Paths that are never limited. */
  readonly probes: ReadonlySet<string>;
}

/** How the API speaks HTTP: request ids, security headers, validators, compression, limits, problems also for what the router refuses. */
export function apiAdapter({ trustedProxies, requestsPerMinute, corsOrigins, probes }: HttpOptions): FastifyAdapter {
  const adapter = new FastifyAdapter({
    genReqId: ({ headers }: { readonly headers: IncomingHttpHeaders }) => {
      const given = headers[REQUEST_ID_HEADER];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    frameworkErrors: refuse,
    clientErrorHandler: refuseUnread,
  });
  const fastify = adapter.getInstance();
  fastify.addHook('onRequest', (request, reply, done) => {
    // Until it is known that an answer may be kept: whose figures they are is nobody's cache's business.
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
  if (corsOrigins.length > 0) {
    fastify.register(cors, {
      origin: [...corsOrigins],
      methods: ['GET', 'HEAD'],
      exposedHeaders: ['etag', 'link', 'retry-after', REQUEST_ID_HEADER, ...RATE_LIMIT_HEADERS],
      maxAge: 600,
    });
  }
  if (requestsPerMinute > 0) {
    fastify.register(rateLimit, {
      max: requestsPerMinute,
      timeWindow: MINUTE_MS,
      // RateLimit-Limit, -Remaining and -Reset (draft-ietf-httpapi-ratelimit-headers).
      enableDraftSpec: true,
      // Whoever says who they are is counted by that, wherever they are.
      keyGenerator: (request: FastifyRequest) =>
        callerOf(request).kind === 'anonymous' ? request.ip : callerOf(request).name,
      allowList: (request: FastifyRequest) => probes.has(pathOf(request.url)) || isLoopback(request.ip),
      errorResponseBuilder: (_request, { max, ttl }) =>
        new Problem('rate_limited', `At most ${max} requests a minute; the next one in ${Math.ceil(ttl / 1000)} s.`),
    });
  }
  addValidators(fastify);
  // Behind the validators, which are of the text. Streams of events are left out by the library itself.
  fastify.register(compress, { encodings: [...ENCODINGS], threshold: LEAST_PACKED_BYTES, globalDecompression: false });
  return adapter;
}

const RATE_LIMIT_HEADERS = ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'] as const;

const isLoopback = (address: string): boolean => {
  const plain = address.replace(/^::ffff:/i, '');
  return plain === '::1' || plain.startsWith('127.');
};

/** What is no request that could be read: nothing knows of it but the connection, which ends. */
function refuseUnread(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const problem =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new Problem('headers_too_large', 'The address and all headers together may have 16 kB.')
      : new Problem('malformed_request', 'This is not HTTP as it has to be.');
  const id = randomUUID();
  const body = JSON.stringify(problemDetails(problem, { path: '', id }));
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${id}`,
    'Cache-Control: no-store',
    'Connection: close',
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroy(error);
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
