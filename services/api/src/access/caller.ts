import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { AccessScope, Role } from '@laurel/policy';

/** Who asks, and what they may do. */
export interface Caller {
  readonly kind: 'anonymous' | 'person' | 'token';
  /** The pseudonym that publishers use; null for whoever is no person. */
  readonly userId: string | null;
  readonly role: Role | null;
  readonly scopes: ReadonlySet<AccessScope>;
  /** Whose tables the scope `export:team` gives. */
  readonly teams: readonly string[];
  /** In logs: the pseudonym, token:<id>, or anonymous. */
  readonly name: string;
  /** When this stops to hold, in ms; Infinity for whoever never signed in. */
  readonly untilMs: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before anything else looks at the request. */
    caller?: Caller;
  }
}

export const NOBODY: Caller = {
  kind: 'anonymous',
  userId: null,
  role: null,
  scopes: new Set(),
  teams: [],
  name: 'anonymous',
  untilMs: Infinity,
};

export const callerOf = (request: FastifyRequest): Caller => request.caller ?? NOBODY;

/** A handler's parameter. */
export const CallerOf = createParamDecorator((_: unknown, context: ExecutionContext): Caller =>
  callerOf(context.switchToHttp().getRequest<FastifyRequest>()),
);
