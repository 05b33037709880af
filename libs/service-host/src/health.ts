import { Controller, Get, Header, Inject, Res } from '@nestjs/common';
import type { Registry } from 'prom-client';

/** Whether the service makes progress, with what it found, for a person. */
export interface Readiness {
  readonly ready: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

export const READINESS = Symbol('readiness');
export const METRICS = Symbol('metrics');

/** The part of Fastify's reply that is used here. */
interface Reply {
  status(code: number): Reply;
  send(body: unknown): unknown;
}

@Controller()
export class HealthController {
  constructor(
    @Inject(READINESS) private readonly readiness: () => Readiness | Promise<Readiness>,
    @Inject(METRICS) private readonly metrics: Registry,
  ) {}

  /** Alive: the process answers. */
  @Get('health')
  health(): { status: string } {
    return { status: 'ok' };
  }

  /** Ready: it makes progress, or has nothing to do. 503 otherwise. */
  @Get('ready')
  async ready(@Res() reply: Reply): Promise<void> {
    const { ready, details } = await this.readiness();
    reply.status(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', ...details });
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  prometheus(): Promise<string> {
    return this.metrics.metrics();
  }
}
