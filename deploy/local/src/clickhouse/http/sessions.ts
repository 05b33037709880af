import type { Session } from 'chdb';
import type { Engine } from '../engine/engine.js';
import { ServerException } from '../exception.js';
import type { ServerRequest } from './request.js';

interface Named {
  readonly session: Session;
  busy: boolean;
  expiry: NodeJS.Timeout | undefined;
}

/** A session lent to one request. */
export interface Lease {
  readonly session: Session;
  /** To be called when all its statements have settled. */
  end(): void;
}

/** Engine sessions for requests: a fresh one each, or the one that `session_id` names, until its timeout. */
export class Sessions {
  private readonly named = new Map<string, Named>();

  constructor(private readonly engine: Engine) {}

  /**
   * @throws ServerException SESSION_IS_LOCKED (373) while another request uses the named session, SESSION_NOT_FOUND (372)
   *   when the request only wants an existing one.
   */
  async lease({ session: wanted }: ServerRequest): Promise<Lease> {
    if (wanted === undefined) {
      const session = await this.engine.session();
      return { session, end: () => session.close() };
    }
    const { id, timeoutMs, mustExist } = wanted;
    const known = this.named.get(id);
    if (known === undefined && mustExist) {
      throw new ServerException(372, 'SESSION_NOT_FOUND', `Session ${id} not found`);
    }
    if (known?.busy === true) {
      throw new ServerException(373, 'SESSION_IS_LOCKED', `Session ${id} is locked by a concurrent client`);
    }
    const named = known ?? { session: await this.engine.session(), busy: true, expiry: undefined };
    this.named.set(id, named);
    named.busy = true;
    clearTimeout(named.expiry);
    return {
      session: named.session,
      end: () => {
        named.busy = false;
        named.expiry = setTimeout(() => this.forget(id, named), timeoutMs);
      },
    };
  }

  closeAll(): void {
    for (const [id, named] of this.named) this.forget(id, named);
  }

  private forget(id: string, named: Named): void {
    clearTimeout(named.expiry);
    this.named.delete(id);
    named.session.close();
  }
}
