/** What somebody may do, as a token or a role grants it. Names never change their meaning. */
export const accessScopes = [
  /** Boards, models, teams, titles, awards and their streams. */
  'board:read',
  /** A person's own page, as that person chose to be shown. */
  'people:read',
  /** One's own choices and what is stored of oneself. */
  'self',
  /** Tables of one's own teams. */
  'export:team',
  /** Tables of everything. */
  'export:all',
  /** How the service itself is. */
  'operations:read',
  /** Who looked at whose figures. */
  'access:read',
] as const;

export type AccessScope = (typeof accessScopes)[number];

/** What a token may be given: it is nobody, so that it has neither a self nor a team. */
export const tokenScopes = [
  'board:read',
  'people:read',
  'export:all',
  'operations:read',
  'access:read',
] as const satisfies readonly AccessScope[];

/** From the least to the most. */
export const roles = ['member', 'lead', 'analyst', 'admin'] as const;
export type Role = (typeof roles)[number];

const member = ['board:read', 'people:read', 'self'] as const satisfies readonly AccessScope[];

/** No role sees more of a person than that person lets be seen. */
export const scopesOfRole: Readonly<Record<Role, readonly AccessScope[]>> = {
  member,
  lead: [...member, 'export:team'],
  analyst: [...member, 'export:team', 'export:all'],
  admin: accessScopes,
};

/** The greatest of some roles; member when there is none. */
export const greatestRole = (some: Iterable<string>): Role => {
  const held = new Set(some);
  return roles.findLast((role) => held.has(role)) ?? 'member';
};
