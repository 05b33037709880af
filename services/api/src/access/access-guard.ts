import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { endpointOf, type Endpoint } from '../http/endpoint.js';
import { Problem } from '../http/problem.js';
import { callerOf, type Caller } from './caller.js';

/** Endpoints of the host that have no handler of ours, by their paths. */
export const HOST_ENDPOINTS = Symbol('host endpoints');

/** Lets a request through when its caller has the scope that the endpoint asks for. A route that says nothing is nobody's. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(@Inject(HOST_ENDPOINTS) private readonly host: readonly Endpoint[]) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const endpoint =
      endpointOf(context.getHandler()) ??
      this.host.find(({ description: { path } }) => path === request.routeOptions.url);
    requireAccess(endpoint, callerOf(request));
    return true;
  }
}

/** @throws Problem `sign_in_required` or `not_permitted`. */
function requireAccess(endpoint: Endpoint | undefined, caller: Caller): void {
  const access = endpoint?.description.access;
  if (access === 'public' || (access !== undefined && caller.scopes.has(access))) return;
  throw refusal(caller, access === undefined ? 'This is nobody’s.' : `This needs ${access}.`);
}

/**
 * Whose the endpoints under /v1/me are: those of whoever is signed in. Where nobody can sign in, whoever may do everything is whom
 * they say they are, as they have the database anyway.
 *
 * @throws Problem `sign_in_required` or `not_permitted`.
 */
export function selfOf(caller: Caller, said: string | undefined): string {
  const { kind, role, userId } = caller;
  if (userId !== null) {
    if (said !== undefined && said !== userId)
      throw refusal(caller, 'This is of whoever is signed in, and of nobody else.');
    return userId;
  }
  if (kind === 'anonymous' && role === 'admin' && said !== undefined) return said;
  throw refusal(caller, 'This is of whoever is signed in.');
}

export const refusal = (caller: Caller, detail: string): Problem =>
  caller.kind === 'anonymous'
    ? new Problem('sign_in_required', `${detail} Sign in, or send a token.`, {
        headers: { 'www-authenticate': 'Bearer' },
      })
    : new Problem('not_permitted', detail);
