import type { FastifyReply, FastifyRequest } from 'fastify';
import { greatestRole, roles, scopesOfRole } from '@laurel/policy';
import { z } from 'zod';
import type { Caller } from './caller.js';
import { Sealed } from './sealed.js';

/** More teams than this don't fit in a cookie. */
export const MAX_TEAMS = 20;

const sessionSchema = z.object({
  userId: z.string(),
  roles: z.array(z.enum(roles)),
  teams: z.array(z.string()),
});
export type Session = z.output<typeof sessionSchema>;

const signingInSchema = z.object({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  returnTo: z.string(),
});
/** What has to be known again when the provider sends somebody back. */
export type SigningIn = z.output<typeof signingInSchema>;

/** How long somebody may take at the provider's, in ms. */
const SIGNING_IN_MS = 600_000;

/** Who is signed in, kept sealed in cookies that no script can read. */
export class Sessions {
  private readonly sessions: Sealed<Session>;
  private readonly signingIn: Sealed<SigningIn>;
  private readonly sessionCookie: string;
  private readonly signingInCookie: string;

  /**
   * @param isSecure whether people come by HTTPS: then the cookies go over nothing else, and to this host alone (`__Host-`).
   * @param durationMs how long a sign-in holds.
   */
  constructor(
    secret: Uint8Array,
    private readonly isSecure: boolean,
    private readonly durationMs: number,
  ) {
    this.sessions = new Sealed(secret, 'sessions', sessionSchema);
    this.signingIn = new Sealed(secret, 'signing in', signingInSchema);
    const prefix = isSecure ? '__Host-' : '';
    this.sessionCookie = `${prefix}laurel-session`;
    this.signingInCookie = `${prefix}laurel-signing-in`;
  }

  /** Undefined without a session, or with one that is over. */
  async callerOf(request: FastifyRequest): Promise<Caller | undefined> {
    const cookie = request.cookies[this.sessionCookie];
    const opened = cookie === undefined ? undefined : await this.sessions.open(cookie);
    if (opened === undefined) return undefined;
    const { content, untilMs } = opened;
    return {
      kind: 'person',
      userId: content.userId,
      role: greatestRole(content.roles),
      scopes: new Set(['member' as const, ...content.roles].flatMap((role) => scopesOfRole[role])),
      teams: content.teams,
      name: content.userId,
      untilMs,
    };
  }

  async begin(reply: FastifyReply, session: Session): Promise<void> {
    const untilMs = Date.now() + this.durationMs;
    this.set(reply, this.sessionCookie, await this.sessions.seal(session, untilMs), this.durationMs);
  }

  end(reply: FastifyReply): void {
    void reply.clearCookie(this.sessionCookie, this.options);
  }

  async remember(reply: FastifyReply, signingIn: SigningIn): Promise<void> {
    const sealed = await this.signingIn.seal(signingIn, Date.now() + SIGNING_IN_MS);
    this.set(reply, this.signingInCookie, sealed, SIGNING_IN_MS);
  }

  /** Once: it is forgotten whatever becomes of it. */
  async recall(request: FastifyRequest, reply: FastifyReply): Promise<SigningIn | undefined> {
    const cookie = request.cookies[this.signingInCookie];
    void reply.clearCookie(this.signingInCookie, this.options);
    return cookie === undefined ? undefined : (await this.signingIn.open(cookie))?.content;
  }

  private set(reply: FastifyReply, name: string, value: string, maxAgeMs: number): void {
    void reply.setCookie(name, value, { ...this.options, maxAge: Math.floor(maxAgeMs / 1000) });
  }

  private get options() {
    // Lax, not strict: who follows a link to the board is to be signed in there.
    return { path: '/', httpOnly: true, secure: this.isSecure, sameSite: 'lax' } as const;
  }
}
