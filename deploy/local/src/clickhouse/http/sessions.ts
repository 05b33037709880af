import type { Session } from 'chdb';
import type { Engine } from '../engine/engine.js';
import { ServerException } from '../exception.js';
import { epilogue, preamble, type ServerRequest } from './request.js';

/** How many sessions wait for another request. */
const MAX_IDLE = 64;

interface Named {
  readonly session: Session;
  busy: boolean;
  expiry: NodeJS.Timeout | undefined;
}

/** A session in the state that a request asks for, lent to it. */
export interface Lease {
  readonly session: Session;
  /**
   * To be called when all its statements have settled.
   *
   * @param unchanged whether they can't have changed the session's state.
   */
  readonly end: (unchanged: boolean) => Promise<void>;
}

/**
 * Engine sessions for requests: the one that `session_id` names, until its timeout; else one that nobody else can tell
 * from a fresh one.
 *
 * That is a fresh one, or one that served a request of the same shape: all that this one changed is set anew. The reuse
 * matters because chDB closes a session only when whatever runs at that time has ended, perhaps a long query.
 */
export class Sessions {
  private readonly named = new Map<string, Named>();
  private readonly idle: { readonly shape: string; readonly session: Session }[] = [];

  constructor(private readonly engine: Engine) {}

  /**
   * @throws ServerException SESSION_IS_LOCKED (373) while another request uses the named session, SESSION_NOT_FOUND (372)
   *   when the request only wants an existing one; the engine's errors about settings and databases.
   */
  lease(request: ServerRequest): Promise<Lease> {
    return request.session === undefined ? this.leaseAny(request) : this.leaseNamed(request, request.session);
  }

  closeAll(): void {
    for (const [id, named] of this.named) this.forget(id, named);
    for (const { session } of this.idle.splice(0)) session.close();
  }

  private async leaseAny(request: ServerRequest): Promise<Lease> {
    const shape = shapeOf(request);
    const session = (await this.reuse(shape, request)) ?? (await this.prepared(this.engine.session(), request));
    return {
      session,
      end: (unchanged) => {
        if (unchanged && shape !== undefined) this.idle.push({ shape, session });
        else session.close();
        if (this.idle.length > MAX_IDLE) this.idle.shift()?.session.close();
        return Promise.resolve();
      },
    };
  }

  private async reuse(shape: string | undefined, request: ServerRequest): Promise<Session | undefined> {
    const at = this.idle.findIndex((candidate) => candidate.shape === shape);
    const session = this.idle.splice(at, at < 0 ? 0 : 1)[0]?.session;
    // Some settings can't be set twice; a fresh session tells whether that is it.
    return session === undefined ? undefined : this.prepared(session, request).catch(() => undefined);
  }

  private async prepared(session: Session, request: ServerRequest): Promise<Session> {
    try {
      await session.queryAsync(preamble(request));
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  private async leaseNamed(request: ServerRequest, wanted: NonNullable<ServerRequest['session']>): Promise<Lease> {
    const { id, timeoutMs, mustExist } = wanted;
    const known = this.named.get(id);
    if (known === undefined && mustExist) {
      throw new ServerException(372, 'SESSION_NOT_FOUND', `Session ${id} not found`);
    }
    if (known?.busy === true) {
      throw new ServerException(373, 'SESSION_IS_LOCKED', `Session ${id} is locked by a concurrent client`);
    }
    const named = known ?? { session: this.engine.session(), busy: true, expiry: undefined };
    this.named.set(id, named);
    named.busy = true;
    clearTimeout(named.expiry);
    const end = async (): Promise<void> => {
      await named.session.queryAsync(epilogue(request)).catch(() => undefined);
      named.busy = false;
      named.expiry = setTimeout(() => this.forget(id, named), timeoutMs);
    };
    try {
      await named.session.queryAsync(preamble(request));
      return { session: named.session, end };
    } catch (error) {
      await end();
      throw error;
    }
  }

  private forget(id: string, named: Named): void {
    clearTimeout(named.expiry);
    this.named.delete(id);
    named.session.close();
  }
}

/** What a request changes in its session, by name; undefined when it can't be changed again. */
function shapeOf({ database, settings, params, isGet }: ServerRequest): string | undefined {
  if (isGet || settings.has('readonly')) return undefined;
  return JSON.stringify([
    database !== undefined && database !== '',
    [...settings.keys()].sort(),
    [...params.keys()].sort(),
  ]);
}
