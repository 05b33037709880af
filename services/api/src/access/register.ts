import cookie from '@fastify/cookie';
import csrf from '@fastify/csrf-protection';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import plugin from 'fastify-plugin';
import { Problem } from '../http/problem.js';
import type { Authentication } from './authenticate.js';
import { callerOf } from './caller.js';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
/** From our own page, or from an address that somebody typed; a program that is no browser says nothing. */
const OWN_SITES = new Set(['same-origin', 'none']);

export interface AccessHooks {
  readonly authentication: Authentication;
  /** Binds a token against forged requests to whom it was given. */
  readonly csrfKey: string;
  readonly isSecure: boolean;
  /** Paths for which nobody is asked who they are. */
  readonly probes: ReadonlySet<string>;
}

/** Has each request say who asks before anything else looks at it, and lets no other site's page change anything. */
export function registerAccess(
  fastify: FastifyInstance,
  { authentication, csrfKey, isSecure, probes }: AccessHooks,
): void {
  fastify.register(cookie);
  fastify.register(csrf, {
    cookieKey: `${isSecure ? '__Host-' : ''}laurel-csrf`,
    cookieOpts: { path: '/', httpOnly: true, sameSite: 'lax', secure: isSecure },
    csrfOpts: { hmacKey: csrfKey },
    // Where a page may write it, and no form can.
    getToken: (request: FastifyRequest) => {
      const given = request.headers['x-csrf-token'];
      return typeof given === 'string' ? given : undefined;
    },
    getUserInfo: (request: FastifyRequest) => callerOf(request).name,
  });
  fastify.register(
    plugin((instance: FastifyInstance, _options, done) => {
      // Behind that of the cookies.
      instance.addHook('onRequest', async (request) => {
        if (!probes.has(request.routeOptions.url ?? '')) request.caller = await authentication.callerOf(request);
      });
      instance.addHook('preHandler', (request, reply, next) => {
        const { kind } = callerOf(request);
        const site = request.headers['sec-fetch-site'];
        // A token is not sent by a browser on its own.
        if (SAFE_METHODS.has(request.method) || kind === 'token') next();
        else if (typeof site === 'string' && !OWN_SITES.has(site))
          next(new Problem('csrf_refused', 'The request comes from a page of another site.'));
        else if (kind === 'person') instance.csrfProtection(request, reply, next);
        else next();
      });
      done();
    }),
  );
}
