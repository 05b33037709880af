import { readTokens, type ClickHouseClient, type StoredToken } from '@laurel/clickhouse';
import { accessScopes, isSameHash, readToken, type AccessScope } from '@laurel/policy';
import { passingProblem, Problem } from '../http/problem.js';
import type { Caller } from './caller.js';

/** How soon a revocation is in force everywhere, in ms. */
const REFRESH_MS = 1000;
/** Tokens that were read longer ago than this are not believed any more. */
const MOST_AGE_MS = 30_000;

interface Known {
  readonly tokens: ReadonlyMap<string, StoredToken>;
  readonly atMs: number;
}

/** The tokens of programs, read anew every second while any is used. */
export class TokenBook {
  private known: Known | undefined;
  private reading: Promise<Known> | undefined;

  constructor(
    private readonly clickhouse: ClickHouseClient,
    private readonly now: () => number = Date.now,
  ) {}

  /**
   * @throws Problem `invalid_token` for one that is unknown, expired or revoked, without a word on which;
   *   `storage_unavailable` when it can't be known.
   */
  async callerOf(given: string): Promise<Caller> {
    const read = readToken(given);
    // What can't be one need not be looked for.
    const stored = read === undefined ? undefined : (await this.tokens()).get(read.id);
    if (
      read === undefined ||
      stored === undefined ||
      !isSameHash(stored.secretHash, read.secretHash) ||
      stored.revokedAtMs !== null ||
      stored.expiresAtMs <= this.now()
    ) {
      throw new Problem('invalid_token', 'The token is unknown, expired or revoked.', {
        headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
      });
    }
    return {
      kind: 'token',
      userId: null,
      role: null,
      scopes: new Set(stored.scopes.filter(isScope)),
      teams: [],
      name: `token:${stored.id}`,
      untilMs: stored.expiresAtMs,
    };
  }

  private async tokens(): Promise<ReadonlyMap<string, StoredToken>> {
    const { known } = this;
    if (known !== undefined && this.now() - known.atMs < REFRESH_MS) return known.tokens;
    try {
      return (await this.readOnce()).tokens;
    } catch (error) {
      if (known !== undefined && this.now() - known.atMs < MOST_AGE_MS) return known.tokens;
      throw passingProblem('storage_unavailable', 'Tokens can’t be read at the moment; try again shortly.', error);
    }
  }

  private readOnce(): Promise<Known> {
    this.reading ??= this.read().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  private async read(): Promise<Known> {
    const atMs = this.now();
    const tokens = await readTokens(this.clickhouse);
    return (this.known = { tokens: new Map(tokens.map((token) => [token.id, token])), atMs });
  }
}

/** One that a later version grants means nothing here. */
const isScope = (scope: string): scope is AccessScope => (accessScopes as readonly string[]).includes(scope);
