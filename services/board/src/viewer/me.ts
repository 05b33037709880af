import { useQuery } from '@tanstack/react-query';
import { session } from '../api/queries.js';
import { Stored, useStored } from './stored.js';

/** Who the viewer says they are, by pseudonym, where nobody signs in. It changes nothing but what is pointed out to them. */
export const me = new Stored('laurel.me');

/** `?me=<pseudonym>` in the address, as a link in a tool or a chat has it. */
export function takeMeFromAddress(): void {
  const given = new URLSearchParams(location.search).get('me');
  if (given !== null && given !== '') me.set(given);
}

/** Who the viewer is: as they signed in, else as they say. */
export function useMe(): string | undefined {
  const signedIn = useQuery(session()).data?.user_id ?? undefined;
  const said = useStored(me) ?? undefined;
  return signedIn ?? said;
}

/** Whose choices the viewer may make. */
export interface Chooser {
  /** To be named with each request; undefined for whoever is signed in. */
  readonly user: string | undefined;
  readonly csrfToken: string | null;
}

/** Undefined where it is not known who the viewer is; whoever may do everything, where nobody signs in, is taken at their word. */
export function useChooser(): Chooser | undefined {
  const { data } = useQuery(session());
  const said = useStored(me) ?? undefined;
  if (data === undefined) return undefined;
  if (data.signed_in) return { user: undefined, csrfToken: data.csrf_token };
  return data.role === 'admin' && said !== undefined ? { user: said, csrfToken: null } : undefined;
}

/** Whether the viewer may say who they are; a sign-in says it better. */
export const useMaySayWho = (): boolean => useQuery(session()).data?.signed_in !== true;

/** Whether nothing is shown to the viewer before they have signed in; false while that is not known. */
export function useIsShut(): boolean {
  const { data } = useQuery(session());
  return data !== undefined && !data.signed_in && data.scopes.length === 0;
}

/** Where signing in begins, and leads back to where the viewer is. */
export const signInAddress = (url = '/auth/login'): string =>
  `${url}?return_to=${encodeURIComponent(`${location.pathname}${location.search}`)}`;
