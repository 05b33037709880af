import 'reflect-metadata';
import { Catch, Controller, Module, type INestMicroservice, type RpcExceptionFilter } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, Payload } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import { KafkaBatchStrategy, type BatchStrategyOptions, type Delivery } from '../strategy.js';

export type Handler = (delivery: Delivery) => Promise<void>;

/** What a service host does too: what a handler throws reaches the strategy as it was thrown. */
@Catch()
class Rethrow implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

/** One instance of a service: a Nest microservice on the strategy, with one handler. */
export class Member {
  readonly fatal: unknown[] = [];
  readonly assignments: Readonly<Record<string, readonly number[]>>[] = [];

  private constructor(
    readonly strategy: KafkaBatchStrategy,
    private readonly app: () => INestMicroservice,
  ) {}

  static async start(
    topic: string,
    handler: Handler,
    options: Pick<BatchStrategyOptions, 'kafka' | 'groupId' | 'topicPrefix'> & Partial<BatchStrategyOptions>,
    Strategy = KafkaBatchStrategy,
  ): Promise<Member> {
    const strategy = new Strategy({
      minBytes: 1,
      maxWaitMs: 50,
      sessionTimeoutMs: 6000,
      onFatal: (error) => void member.fatal.push(error),
      onAssigned: (assignment) => void member.assignments.push(assignment),
      ...options,
    });

    @Controller()
    class OneHandler {
      @(EventPattern(topic) as MethodDecorator)
      async onBatch(@Payload() delivery: Delivery): Promise<void> {
        await handler(delivery);
      }
    }

    @Module({ controllers: [OneHandler] })
    class OneModule {}

    const app = await NestFactory.createMicroservice(OneModule, { strategy, logger: false });
    app.useGlobalFilters(new Rethrow());
    const member = new Member(strategy, () => app);
    await app.listen();
    return member;
  }

  async stop(): Promise<void> {
    await this.app().close();
  }
}

/** The values of a delivery's records. */
export const valuesOf = ({ batch }: Delivery): number[] =>
  batch.records.map(({ value }) => Number(Buffer.from(value ?? []).toString()));

/** Commits a delivery whole, as a handler does at its end. */
export const commitAll = (delivery: Delivery): Promise<void> =>
  delivery.commit((delivery.batch.records.at(-1)?.offset ?? 0) + 1);
