import type { FastifyRequest } from 'fastify';
import { scopesOfRole, type AccessScope, type Role } from '@laurel/policy';
import { Problem } from '../http/problem.js';
import { NOBODY, type Caller } from './caller.js';
import type { Sessions } from './sessions.js';
import type { TokenBook } from './token-book.js';

/** What whoever does not say who they are may do. */
export interface Anonymous {
  readonly role: Role | 'nothing';
  /** Only for requests to this machine by its own names: a page elsewhere could else have its name resolve to here. */
  readonly isLocalOnly: boolean;
}

/** Whoever comes through a proxy is not on this machine, though the proxy may be. */
const FORWARDED = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'];

const LOCAL_HOST = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;

/** Says who asks: by token, by session, or by saying nothing. */
export class Authentication {
  private readonly anonymous: Caller;

  constructor(
    private readonly sessions: Sessions,
    private readonly tokens: TokenBook,
    private readonly given: Anonymous,
  ) {
    const { role } = given;
    this.anonymous = role === 'nothing' ? NOBODY : { ...NOBODY, role, scopes: new Set(scopesOfRole[role]) };
  }

  /** @throws Problem `invalid_token`, `storage_unavailable`. */
  async callerOf(request: FastifyRequest): Promise<Caller> {
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
      if (token === undefined)
        throw new Problem('invalid_token', 'Authorization is to be Bearer with a token.', {
          headers: { 'www-authenticate': 'Bearer' },
        });
      return this.tokens.callerOf(token);
    }
    const signedIn = await this.sessions.callerOf(request);
    if (signedIn !== undefined) return signedIn;
    return this.given.isLocalOnly && !isLocal(request) ? NOBODY : this.anonymous;
  }

  /** Whether the caller of a request that is still being answered would be let in again now. */
  async stillMay(request: FastifyRequest, scope: AccessScope): Promise<boolean> {
    try {
      return (await this.callerOf(request)).scopes.has(scope);
    } catch (error) {
      // What can't be known at the moment does not end anything.
      return !(error instanceof Problem) || error.code !== 'invalid_token';
    }
  }
}

const isLocal = ({ headers, host }: FastifyRequest): boolean =>
  LOCAL_HOST.test(host) && !FORWARDED.some((name) => headers[name] !== undefined);
