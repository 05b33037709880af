import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { ScopeParameter } from '../http/parameters.js';
import { refusal } from './access-guard.js';
import { queryOf } from './access-interceptor.js';
import { AccessLog } from './access-log.js';
import { callerOf, type Caller } from './caller.js';

/** An endpoint, of which the name is all that counts here. */
interface Described {
  readonly description: { readonly id: string };
}

export interface Exported {
  readonly scope?: ScopeParameter;
  readonly userId?: string | undefined;
}

/** Who may take a table with them, written down before they have it. */
@Injectable()
export class Exports {
  constructor(@Inject(AccessLog) private readonly log: AccessLog) {}

  /**
   * Whose figures the table has is a scope's, or one person's; everybody's unless given.
   *
   * @throws Problem `not_permitted`, `sign_in_required`; `storage_unavailable` when it can't be written down.
   */
  async allow(
    request: FastifyRequest,
    { description: { id } }: Described,
    { scope = { kind: 'company' }, userId = '' }: Exported = {},
  ): Promise<void> {
    const caller = callerOf(request);
    if (!mayExport(caller, scope)) {
      throw refusal(caller, 'A table needs export:all, or export:team and one of one’s own teams as its scope.');
    }
    await this.log.record(caller, {
      action: 'export',
      userId,
      operation: id,
      parameters: queryOf(request.url),
      requestId: request.id,
    });
  }
}

const mayExport = ({ scopes, teams }: Caller, scope: ScopeParameter): boolean =>
  scopes.has('export:all') || (scopes.has('export:team') && scope.kind === 'team' && teams.includes(scope.team));
