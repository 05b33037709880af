import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { boardMetrics, boardWindows, type BoardMetric, type BoardWindow } from './api/answers.js';
import { BoardPage } from './board/BoardPage.js';
import { Shell } from './shell/Shell.js';
import { NotFound, PageFailed } from './shell/states.js';

type Raw = Readonly<Record<string, unknown>>;

const oneOf = <const T extends string>(values: readonly T[], value: unknown): T | undefined =>
  values.find((one) => one === value);

/** The router reads a number in the address as a number. */
const textOf = (value: unknown): string | undefined => {
  const text = typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
  return text === '' ? undefined : text;
};

/** What of a board is shown; absent is as `boardDefaults`. */
export interface BoardSearch {
  readonly window?: BoardWindow | undefined;
  readonly metric?: BoardMetric | undefined;
  readonly team?: string | undefined;
  readonly q?: string | undefined;
}

export const boardDefaults = { window: '30d', metric: 'total_tokens' } as const;

export const personWindows = ['7d', '30d', '90d', 'all'] as const;
export type PersonWindow = (typeof personWindows)[number];

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: PageFailed });

export const boardRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  validateSearch: (raw: Raw): BoardSearch => ({
    window: oneOf(boardWindows, raw['window']),
    metric: oneOf(boardMetrics, raw['metric']),
    team: textOf(raw['team']),
    q: textOf(raw['q']),
  }),
  component: BoardPage,
});

export const personRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/people/$userId',
  validateSearch: (raw: Raw): { readonly window?: PersonWindow | undefined } => ({
    window: oneOf(personWindows, raw['window']),
  }),
  component: lazyRouteComponent(() => import('./person/PersonPage.js'), 'PersonPage'),
});

export const titlesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/titles',
  validateSearch: (raw: Raw): { readonly scope?: string | undefined } => ({ scope: textOf(raw['scope']) }),
  component: lazyRouteComponent(() => import('./titles/TitlesPage.js'), 'TitlesPage'),
});

export const modelsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/models',
  validateSearch: (raw: Raw): { readonly window?: BoardWindow | undefined } => ({
    window: oneOf(boardWindows, raw['window']),
  }),
  component: lazyRouteComponent(() => import('./models/ModelsPage.js'), 'ModelsPage'),
});

export const awardsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/awards',
  component: lazyRouteComponent(() => import('./awards/AwardsPage.js'), 'AwardsPage'),
});

export const pipelineRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/pipeline',
  component: lazyRouteComponent(() => import('./pipeline/PipelinePage.js'), 'PipelinePage'),
});

/** Rows of an embedded board at most. */
const MOST_EMBEDDED = 50;

export const embedRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/embed',
  validateSearch: (raw: Raw): BoardSearch & { readonly limit?: number | undefined } => ({
    window: oneOf(boardWindows, raw['window']),
    metric: oneOf(boardMetrics, raw['metric']),
    team: textOf(raw['team']),
    limit:
      typeof raw['limit'] === 'number' ? Math.max(1, Math.min(MOST_EMBEDDED, Math.floor(raw['limit']))) : undefined,
  }),
  component: lazyRouteComponent(() => import('./embed/EmbedPage.js'), 'EmbedPage'),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    boardRoute,
    personRoute,
    titlesRoute,
    modelsRoute,
    awardsRoute,
    pipelineRoute,
    embedRoute,
  ]),
  scrollRestoration: true,
  defaultPreload: 'intent',
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
