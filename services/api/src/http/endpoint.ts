import { applyDecorators, RequestMapping, RequestMethod, SetMetadata, type Type } from '@nestjs/common';
import { METHOD_METADATA } from '@nestjs/common/constants.js';
import type { AccessScope } from '@laurel/policy';
import type { z } from 'zod';
import { readParameters, type Read, type Shapes } from './parameters.js';
import type { ProblemCode } from './problem.js';

export const JSON_TYPE = 'application/json';
export const EVENT_STREAM = 'text/event-stream';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What an endpoint answers with when all goes well. */
export interface Answer {
  /** 200 unless said. */
  readonly status?: number;
  readonly description: string;
  /** By media type; the schema of a text is that of the whole text. None: an answer without a body. */
  readonly content: Readonly<Record<string, z.ZodType>>;
}

export interface EndpointDescription<S extends Shapes> {
  /** The operation's name in the OpenAPI document, and so in generated clients; never changes. */
  readonly id: string;
  readonly method?: Method;
  /** With `:name` for each parameter of the path. */
  readonly path: string;
  readonly tag: string;
  /** One line. */
  readonly summary: string;
  /** Markdown, where a line does not say it. */
  readonly description?: string;
  readonly parameters?: S;
  /** What its caller has to be allowed. Public: for everybody, signed in or not. */
  readonly access: AccessScope | 'public';
  /** The parameter of the path that names whose figures are shown: who looks is written down. */
  readonly looksAt?: string;
  /** For whatever watches the service: no caller is asked for, and none is limited. */
  readonly isProbe?: boolean;
  readonly answer: Answer;
  /** Others that are no problems. */
  readonly otherAnswers?: readonly Answer[];
  /** Those of its own; every endpoint may answer with the ones of `commonProblems`. */
  readonly problems: readonly ProblemCode[];
}

/**
 * One endpoint: where it is, what it is given, what it answers. Parameters are read by the very schemas that the OpenAPI document
 * is made from.
 */
export class Endpoint<const S extends Shapes = Shapes> {
  readonly method: Method;
  readonly shapes: S;

  constructor(readonly description: EndpointDescription<S>) {
    this.method = description.method ?? 'GET';
    // Without parameters nothing is looked at.
    this.shapes = description.parameters ?? ({} as S);
  }

  /** @throws Problem `invalid_parameter` with every fault. */
  read(given: { readonly [P in keyof S]: unknown }): Read<S> {
    return readParameters(this.shapes, given);
  }
}

const ENDPOINT = Symbol('endpoint');

/** Routes requests of an endpoint to a controller's method. The controller itself has no path. */
export function Serves<S extends Shapes>(endpoint: Endpoint<S>): MethodDecorator {
  return applyDecorators(
    RequestMapping({ path: endpoint.description.path, method: RequestMethod[endpoint.method] }),
    SetMetadata(ENDPOINT, endpoint),
  );
}

/** Undefined for a handler that was routed otherwise. */
export const endpointOf = (handler: object): Endpoint | undefined =>
  Reflect.getMetadata(ENDPOINT, handler) as Endpoint | undefined;

/**
 * The endpoints of controllers, in their order.
 *
 * @throws Error when a controller has a route without a description: nothing is served that the document does not know.
 */
export function endpointsOf(controllers: readonly Type[]): readonly Endpoint[] {
  return controllers.flatMap((controller) => {
    const prototype = controller.prototype as Record<string, unknown>;
    return Object.getOwnPropertyNames(prototype).flatMap((name) => {
      const handler = prototype[name];
      if (typeof handler !== 'function') return [];
      const endpoint = endpointOf(handler);
      if (endpoint !== undefined) return [endpoint];
      if (Reflect.hasMetadata(METHOD_METADATA, handler))
        throw new Error(`${controller.name}.${name} has a route, but is no endpoint that is described (@Serves)`);
      return [];
    });
  });
}
