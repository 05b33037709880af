import { hkdfSync } from 'node:crypto';
import type { ClickHouseClient } from '@laurel/clickhouse';
import { roles, type Role } from '@laurel/policy';
import { choice, integer, optionalHttpUrl, optionalText, text, type ConfigOf } from '@laurel/service-host';
import { Authentication, type Anonymous } from './authenticate.js';
import { Provider } from './provider.js';
import { Sessions } from './sessions.js';
import { CALLBACK_PATH, type SignIn } from './sign-in.controller.js';
import { TokenBook } from './token-book.js';

export const accessSettings = {
  anonymous: choice('LAUREL_API_ANONYMOUS', ['auto', 'nothing', ...roles], {
    description:
      'what whoever is not signed in may do: nothing, or what a member, lead, analyst or admin may; auto: admin while the API listens on this machine alone and nobody can sign in, else nothing',
    default: 'auto',
  }),
  publicUrl: optionalHttpUrl('LAUREL_API_PUBLIC_URL', {
    description: 'the address under which people know the API, as https://laurel.example.com; needed for sign-in',
  }),
  oidcIssuer: optionalHttpUrl('LAUREL_OIDC_ISSUER', {
    description: 'the company’s OpenID provider; without it nobody can sign in',
  }),
  oidcClientId: text('LAUREL_OIDC_CLIENT_ID', { description: 'as the provider knows Laurel', default: 'laurel' }),
  oidcClientSecret: optionalText('LAUREL_OIDC_CLIENT_SECRET', {
    description: 'the client’s secret; without it Laurel is a public client',
    secret: true,
  }),
  oidcScopes: text('LAUREL_OIDC_SCOPES', {
    description: 'what the provider is asked for, between spaces; with openid',
    default: 'openid profile',
  }),
  oidcUserClaim: text('LAUREL_OIDC_USER_CLAIM', {
    description: 'the claim with the pseudonym (user_id) that publishers use; a.b looks into an object',
    default: 'sub',
  }),
  oidcRolesClaim: text('LAUREL_OIDC_ROLES_CLAIM', {
    description: 'the claim with a person’s roles or groups',
    default: 'roles',
  }),
  oidcTeamsClaim: text('LAUREL_OIDC_TEAMS_CLAIM', {
    description: 'the claim with the teams of which a lead may take tables',
    default: 'teams',
  }),
  oidcRoleNames: text('LAUREL_OIDC_ROLE_NAMES', {
    description:
      'which of the provider’s roles or groups are which of ours, as laurel-admins=admin,finance=analyst; a value that is a role’s own name always is one',
    default: '',
  }),
  sessionHours: integer('LAUREL_API_SESSION_HOURS', 1, 720, {
    description: 'how long a sign-in holds, in hours; a role that is taken away at the provider holds for as long',
    default: '8',
  }),
};

type Config = ConfigOf<typeof accessSettings> & { readonly httpHost: string; readonly secret: string | undefined };

export interface Access {
  readonly authentication: Authentication;
  readonly sessions: Sessions;
  readonly signIn: SignIn | null;
  readonly csrfKey: string;
  readonly isSecure: boolean;
  /** What an admin may not have meant. */
  readonly warning: string | undefined;
}

/**
 * Who may come in, by the settings.
 *
 * @param secret from which every key is derived.
 * @throws Error for settings that do not go together.
 */
export function accessOf(config: Config, secret: Uint8Array, clickhouse: ClickHouseClient): Access {
  const isSecure = config.publicUrl?.startsWith('https:') === true;
  const sessions = new Sessions(secret, isSecure, config.sessionHours * 3_600_000);
  const anonymous = anonymousOf(config);
  return {
    authentication: new Authentication(sessions, new TokenBook(clickhouse), anonymous),
    sessions,
    signIn: signInOf(config),
    csrfKey: Buffer.from(hkdfSync('sha256', secret, '', 'laurel csrf', 32)).toString('hex'),
    isSecure,
    warning:
      anonymous.role === 'nothing' && config.oidcIssuer === undefined
        ? 'nobody can sign in, and nothing is for whoever is not: only tokens open anything (LAUREL_OIDC_ISSUER, LAUREL_API_ANONYMOUS)'
        : undefined,
  };
}

/** Addresses that only this machine reaches. */
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

function anonymousOf({ anonymous, httpHost, oidcIssuer }: Config): Anonymous {
  if (anonymous !== 'auto') return { role: anonymous, isLocalOnly: false };
  // Whoever is on this machine has the database, too.
  const isOpen = LOOPBACK.test(httpHost) && oidcIssuer === undefined;
  return { role: isOpen ? 'admin' : 'nothing', isLocalOnly: true };
}

function signInOf(config: Config): SignIn | null {
  const { oidcIssuer: issuer, publicUrl, secret } = config;
  if (issuer === undefined) return null;
  if (publicUrl === undefined) throw new Error('LAUREL_API_PUBLIC_URL is required with LAUREL_OIDC_ISSUER');
  if (secret === undefined) throw new Error('LAUREL_API_SECRET is required with LAUREL_OIDC_ISSUER');
  const { protocol, hostname } = new URL(issuer);
  if (protocol === 'http:' && !LOOPBACK.test(hostname)) throw new Error('LAUREL_OIDC_ISSUER is to be https://');
  return {
    publicUrl,
    provider: new Provider({
      issuer,
      clientId: config.oidcClientId,
      clientSecret: config.oidcClientSecret,
      scopes: config.oidcScopes,
      redirectUri: new URL(CALLBACK_PATH, publicUrl).href,
    }),
    claims: {
      user: config.oidcUserClaim,
      roles: config.oidcRolesClaim,
      teams: config.oidcTeamsClaim,
      roleNames: roleNamesOf(config.oidcRoleNames),
    },
  };
}

/** @throws Error for what is not as name=role,name=role. */
function roleNamesOf(text: string): ReadonlyMap<string, Role> {
  const pairs = text === '' ? [] : text.split(',').map((pair) => pair.trim());
  return new Map(
    pairs.map((pair, index) => {
      const at = pair.lastIndexOf('=');
      const role = roles.find((one) => one === pair.slice(at + 1));
      if (at < 1 || role === undefined)
        throw new Error(`LAUREL_OIDC_ROLE_NAMES: its part ${index + 1} is not name=${roles.join('|')}`);
      return [pair.slice(0, at), role];
    }),
  );
}
