import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { classifyClickHouseFailure } from '@laurel/clickhouse';
import type { Log } from '@laurel/service-host';
import { pathOf } from './adapter.js';
import { passingProblem, Problem, PROBLEM_TYPE, problemDetails } from './problem.js';
import type { RouteMethods } from './route-methods.js';

/** Whatever a request fails with becomes a problem; what the caller can't act on is logged and not shown. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly log: Log,
    private readonly routes: RouteMethods,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const problem = this.problemOf(error, request);
    if (problem.status >= 500) {
      const level = problem.status === 503 ? 'warn' : 'error';
      this.log[level]({ request: request.id, url: request.url, err: problem.cause ?? problem }, problem.code);
    }
    // What the provider said is for whoever set it up.
    if (problem.code === 'sign_in_failed') {
      this.log.warn({ request: request.id, err: problem.cause ?? problem }, problem.code);
    }
    void reply
      .status(problem.status)
      .headers(problem.headers)
      .type(PROBLEM_TYPE)
      .send(JSON.stringify(problemDetails(problem, { path: pathOf(request.url), id: request.id })));
  }

  private problemOf(error: unknown, request: FastifyRequest): Problem {
    if (error instanceof Problem) return error;
    if (error instanceof HttpException && error.getStatus() === 404) return this.notFound(request);
    // Of 403 there is one that is not our own: the library's word on a request from elsewhere.
    if (error instanceof HttpException && error.getStatus() === 403) {
      return new Problem('csrf_refused', 'Send X-CSRF-Token as /v1/session gives it.', { cause: error });
    }
    if (error instanceof HttpException && error.getStatus() < 500) {
      return new Problem('malformed_request', error.message, { cause: error });
    }
    if (classifyClickHouseFailure(error) === 'retriable') {
      return passingProblem('storage_unavailable', 'ClickHouse does not answer; try again shortly.', error);
    }
    return new Problem('internal', 'The failure was recorded under this request id.', { cause: error });
  }

  /** Nest knows a route only by method and path together, so that the wrong method is found out here. */
  notFound(request: FastifyRequest): Problem {
    const path = pathOf(request.url);
    const allowed = this.routes.of(path);
    if (allowed.length === 0) return new Problem('not_found', `There is no ${path}.`);
    return new Problem('method_not_allowed', `${request.method} is not among ${allowed.join(', ')}.`, {
      headers: { allow: allowed.join(', ') },
    });
  }
}
