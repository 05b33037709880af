import { Inject, Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { mergeMap, type Observable } from 'rxjs';
import { endpointOf } from '../http/endpoint.js';
import { AccessLog } from './access-log.js';
import { callerOf } from './caller.js';

/** Has it written who looks at a person's figures, when there is something to see, and before it is sent. */
@Injectable()
export class AccessInterceptor implements NestInterceptor {
  constructor(@Inject(AccessLog) private readonly log: AccessLog) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const parameter = endpointOf(context.getHandler())?.description.looksAt;
    const answer: Observable<unknown> = next.handle();
    if (parameter === undefined) return answer;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const userId = (request.params as Readonly<Record<string, string>>)[parameter] ?? '';
    return answer.pipe(
      mergeMap(async (value: unknown) => {
        await this.log.record(callerOf(request), {
          action: 'look',
          userId,
          operation: endpointOf(context.getHandler())?.description.id ?? '',
          parameters: queryOf(request.url),
          requestId: request.id,
        });
        return value;
      }),
    );
  }
}

/** At most 1000 characters of a request's query, without whom it is about: that has a column of its own. */
export function queryOf(url: string): string {
  const query = new URLSearchParams(url.split('?')[1] ?? '');
  query.delete('user');
  query.delete('cursor');
  return query.toString().slice(0, 1000);
}
