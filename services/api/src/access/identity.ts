import { roles, type Role } from '@laurel/policy';
import { Problem } from '../http/problem.js';
import type { Claims } from './provider.js';
import { MAX_TEAMS, type Session } from './sessions.js';

/** Where a provider's claims say what Laurel has to know. A dotted name looks into an object: realm_access.roles. */
export interface ClaimNames {
  /** The pseudonym, as publishers use it. */
  readonly user: string;
  readonly roles: string;
  readonly teams: string;
  /** Which of the provider's values stand for which role; a role of its own name always does. */
  readonly roleNames: ReadonlyMap<string, Role>;
}

/** Of 1 to 256 bytes, as in usage events. */
const MAX_USER_BYTES = 256;

/** @throws Problem `sign_in_failed` for claims without a pseudonym. */
export function sessionOf(claims: Claims, names: ClaimNames): Session {
  const user = claimOf(claims, names.user);
  if (typeof user !== 'string' || user === '' || Buffer.byteLength(user) > MAX_USER_BYTES)
    throw new Problem('sign_in_failed', `The provider’s claim ${names.user} is no pseudonym.`);
  const granted = textsOf(claimOf(claims, names.roles)).flatMap((value) => roleOf(value, names) ?? []);
  return {
    userId: user,
    roles: roles.filter((role) => granted.includes(role)),
    teams: textsOf(claimOf(claims, names.teams)).slice(0, MAX_TEAMS),
  };
}

const roleOf = (value: string, { roleNames }: ClaimNames): Role | undefined =>
  roleNames.get(value) ?? roles.find((role) => role === value);

function claimOf(claims: Claims, name: string): unknown {
  // Claims named by an address have dots of their own: https://example.com/roles.
  if (Object.hasOwn(claims, name)) return claims[name];
  return name
    .split('.')
    .reduce<unknown>(
      (value, part) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, part) ? (value as Claims)[part] : undefined,
      claims,
    );
}

/** Providers give a list, or a single text, or texts between spaces. */
const textsOf = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? (value as readonly unknown[]) : typeof value === 'string' ? value.split(' ') : []).filter(
    (one): one is string => typeof one === 'string' && one !== '',
  );
