import { keepPreviousData, QueryClient, queryOptions } from '@tanstack/react-query';
import type {
  Awards,
  BoardMetric,
  BoardWindow,
  History,
  Leaderboard,
  ModelDays,
  Models,
  Operations,
  OwnChoice,
  OwnSignals,
  PersonTitles,
  PersonUsage,
  Session,
  Sessions,
  Teams,
  TitleRules,
  Titles,
  Trends,
} from './answers.js';
import { read, RequestFailed, userPath } from './client.js';

export const OWN_CHOICE_PATH = '/v1/me/choice';

/** Rows that are read at a time. */
export const PAGE_ROWS = 100;

/** No stream tells of them. */
const OPERATIONS_EVERY_MS = 5000;

/** Without a live stream this old figures are read anew, in ms. */
const OLD_AFTER_MS = 60_000;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // The live stream tells when there is something new.
      staleTime: OLD_AFTER_MS,
      refetchInterval: OLD_AFTER_MS,
      retry: (failures, error) => error instanceof RequestFailed && error.isPassing && failures < 3,
      retryDelay: (failures) => 500 * 2 ** failures,
    },
  },
});

export const session = () =>
  queryOptions({
    queryKey: ['session'],
    queryFn: ({ signal }) => read<Session>('/v1/session', {}, signal),
  });

/** What a board shows of whom. */
export interface BoardChoice {
  readonly metric: BoardMetric;
  readonly window: BoardWindow;
  /** The company's where undefined. */
  readonly team: string | undefined;
  /** A part of a handle. */
  readonly q: string | undefined;
}

const boardParameters = ({ window, team, q }: BoardChoice, page: number) => ({
  window,
  scope: team === undefined ? undefined : `team:${team}`,
  q,
  offset: page * PAGE_ROWS,
  limit: PAGE_ROWS,
});

/** @param me whose own entry is told too. */
export const boardPage = (choice: BoardChoice, page: number, me: string | undefined) =>
  queryOptions({
    queryKey: ['figures', 'board', choice, page, me],
    queryFn: ({ signal }) =>
      read<Leaderboard>(
        `/v1/leaderboards/${choice.metric}`,
        { ...boardParameters(choice, page), user: page === 0 ? me : undefined },
        signal,
      ),
  });

export const trendsPage = (choice: BoardChoice, page: number) =>
  queryOptions({
    queryKey: ['figures', 'trends', choice, page],
    queryFn: ({ signal }) =>
      read<Trends>(`/v1/leaderboards/${choice.metric}/trends`, boardParameters(choice, page), signal),
  });

/** Another window's figures stand until this one's come, but never another person's. */
const ofSame =
  (userId: string) =>
  <T>(previous: T | undefined, query: { readonly queryKey: readonly unknown[] } | undefined): T | undefined =>
    query?.queryKey[2] === userId ? previous : undefined;

export const personUsage = (userId: string, window: string) =>
  queryOptions({
    queryKey: ['figures', 'person', userId, window],
    queryFn: ({ signal }) => read<PersonUsage>(userPath(userId), { window }, signal),
    placeholderData: ofSame(userId),
  });

export const personHistory = (userId: string, window: string) =>
  queryOptions({
    queryKey: ['figures', 'history', userId, window],
    queryFn: ({ signal }) => read<History>(userPath(userId, '/history'), { window }, signal),
    placeholderData: ofSame(userId),
  });

export const personSessions = (userId: string, window: string) =>
  queryOptions({
    queryKey: ['figures', 'sessions', userId, window],
    queryFn: ({ signal }) => read<Sessions>(userPath(userId, '/sessions'), { window }, signal),
  });

export const personTitles = (userId: string) =>
  queryOptions({
    queryKey: ['figures', 'person-titles', userId],
    queryFn: ({ signal }) => read<PersonTitles>(userPath(userId, '/titles'), {}, signal),
  });

/** @param user who the viewer says they are, where nobody signs in. */
export const ownChoice = (user: string | undefined) =>
  queryOptions({
    queryKey: ['own-choice', user],
    queryFn: ({ signal }) => read<OwnChoice>(OWN_CHOICE_PATH, { user }, signal),
  });

/** For whoever runs Laurel. */
export const operations = () =>
  queryOptions({
    queryKey: ['operations'],
    queryFn: ({ signal }) => read<Operations>('/v1/operations', {}, signal),
    refetchInterval: OPERATIONS_EVERY_MS,
  });

/** Of whoever is signed in. */
export const ownSignals = () =>
  queryOptions({
    queryKey: ['figures', 'own-signals'],
    queryFn: ({ signal }) => read<OwnSignals>('/v1/me/signals', {}, signal),
  });

/** @param scope company, team:<team>, or family:<model family> */
export const titles = (scope = 'company') =>
  queryOptions({
    queryKey: ['figures', 'titles', scope],
    queryFn: ({ signal }) => read<Titles>('/v1/titles', { scope }, signal),
  });

/** The rules of all scopes. */
export const titleRules = () =>
  queryOptions({
    queryKey: ['figures', 'titles', 'rules'],
    queryFn: ({ signal }) => read<TitleRules>('/v1/titles/rules', {}, signal),
  });

export const awards = (of: { readonly title?: string; readonly user?: string; readonly limit?: number } = {}) =>
  queryOptions({
    queryKey: ['awards', of],
    queryFn: ({ signal }) => read<Awards>('/v1/awards', { ...of }, signal),
  });

export const teams = (window: string) =>
  queryOptions({
    queryKey: ['figures', 'teams', window],
    queryFn: ({ signal }) => read<Teams>('/v1/teams', { window }, signal),
  });

export const models = (window: string) =>
  queryOptions({
    queryKey: ['figures', 'models', window],
    queryFn: ({ signal }) => read<Models>('/v1/models', { window }, signal),
    placeholderData: keepPreviousData,
  });

export const modelDays = (window: string) =>
  queryOptions({
    queryKey: ['figures', 'model-days', window],
    queryFn: ({ signal }) => read<ModelDays>('/v1/models/days', { window }, signal),
    placeholderData: keepPreviousData,
  });
