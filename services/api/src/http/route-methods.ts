import type { FastifyInstance } from 'fastify';

/** Which methods each path has a route for. */
export class RouteMethods {
  private readonly routes = new Map<string, { readonly matches: RegExp; readonly methods: Set<string> }>();

  /** To be called before the routes are added. */
  constructor(fastify: FastifyInstance) {
    fastify.addHook('onRoute', ({ url, method }) => {
      const route = this.routes.get(url) ?? { matches: pathPattern(url), methods: new Set<string>() };
      for (const one of [method].flat()) route.methods.add(one);
      this.routes.set(url, route);
    });
  }

  /** Every route as it was added. */
  get all(): readonly { readonly url: string; readonly methods: ReadonlySet<string> }[] {
    return [...this.routes].map(([url, { methods }]) => ({ url, methods }));
  }

  /** In alphabetical order; none when no route has this path. */
  of(path: string): readonly string[] {
    const methods = [...this.routes.values()]
      .filter(({ matches }) => matches.test(path))
      .flatMap((one) => [...one.methods]);
    return [...new Set(methods)].sort();
  }
}

/** `/v1/users/:id` matches one segment in place of `:id`. */
function pathPattern(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    return segment.startsWith(':') ? '[^/]+' : segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${segments.join('/')}$`);
}
