import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { BOARD } from '../files.js';
import { pathOf } from '../http/adapter.js';

/** Addresses that the page itself routes; each is answered with its one document. */
const PAGES = ['/', '/people/*', '/titles', '/models', '/awards', '/pipeline'];

/** The board for a frame in another page. */
const EMBEDDED = '/embed';

/** A file's name changes with its content. */
const FOR_EVER = 'public, max-age=31536000, immutable';

/**
 * What the page may do: run and show what comes from here, as files. No inline script or style, no other host, no form, no frame
 * around it, and no text that becomes markup.
 */
const policy = (frameAncestors: string): string =>
  Object.entries({
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self'",
    'font-src': "'self'",
    'connect-src': "'self'",
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': frameAncestors,
    'require-trusted-types-for': "'script'",
    'trusted-types': "'none'",
  })
    .map((directive) => directive.join(' '))
    .join('; ');

export const isPageBuilt = (): boolean => existsSync(join(BOARD, 'index.html'));

/**
 * Serves the page beside the API. To be called before the routes are added; only where `isPageBuilt`.
 *
 * @param embedders origins whose pages may have the board in a frame, beside our own.
 */
export function servePage(fastify: FastifyInstance, embedders: readonly string[]): void {
  const [own, embedded] = [policy("'none'"), policy(["'self'", ...embedders].join(' '))];
  fastify.register(async (scope) => {
    scope.addHook('onSend', (request, reply, _payload, done) => {
      const isEmbedded = pathOf(request.url) === EMBEDDED;
      // What it says, the policy says better: not only the same origin or nobody.
      if (isEmbedded) reply.removeHeader('x-frame-options').raw.removeHeader('x-frame-options');
      reply.headers({
        'content-security-policy': isEmbedded ? embedded : own,
        'cache-control': request.url.startsWith('/assets/') ? FOR_EVER : 'no-cache',
        vary: 'accept-encoding',
      });
      done();
    });
    await scope.register(fastifyStatic, {
      root: BOARD,
      // Only the files that were built are routes; every other address is the API's to answer.
      wildcard: false,
      index: false,
      globIgnore: ['**/*.br', '**/*.gz', '**/index.html'],
      preCompressed: true,
      cacheControl: false,
    });
    for (const page of [...PAGES, EMBEDDED]) scope.get(page, (_request, reply) => reply.sendFile('index.html'));
  });
}
