import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { Counter, Gauge, type Registry } from 'prom-client';
import { EVENT_STREAM } from './endpoint.js';
import type { ClosingCode, EventStream, EventStreamOptions } from './event-stream.js';
import { passingProblem, Problem } from './problem.js';

/** A client that takes nothing for so many keep-alives is given up. */
const PATIENCE = 4;

/** How long a client is to wait before it connects again, in ms. */
const RETRY_MS = 2000;

/**
 * How long a client that is told to go has for reading so, before its connection is cut, in ms. Less than RETRY_MS, so
 * that nobody is back before the server is gone: many clients give up for good when they are answered with an error.
 */
const GRACE_MS = 1000;

export interface StreamsOptions {
  readonly keepAliveMs: number;
  /** More at a time are refused. */
  readonly most: number;
}

const kinds = ['awards', 'standings', 'figures'] as const;
export type StreamKind = (typeof kinds)[number];

/** Makes a stream, given how to be told that its client takes nothing. */
export type OpenStream = (options: EventStreamOptions, onStalled: () => void) => EventStream;

/** All open streams, so that they are bounded, and can be told of the service's end. */
export class EventStreams {
  private readonly open = new Map<ServerResponse, { readonly stream: EventStream; readonly kind: string }>();
  private readonly closings: Counter<'kind' | 'code'>;

  constructor(
    metrics: Registry,
    private readonly options: StreamsOptions,
  ) {
    const { open } = this;
    new Gauge({
      name: 'laurel_streams',
      help: 'Clients that follow awards, standings or changes of figures now',
      labelNames: ['kind'],
      registers: [metrics],
      collect() {
        this.reset();
        for (const kind of kinds) this.set({ kind }, 0);
        for (const { kind } of open.values()) this.inc({ kind });
      },
    });
    this.closings = new Counter({
      name: 'laurel_streams_closed_total',
      help: 'Streams that the server ended',
      labelNames: ['kind', 'code'],
      registers: [metrics],
    });
  }

  /**
   * Answers with a stream, which outlives its response in no case.
   *
   * @param mayGoOn whether its caller would still be let in; asked as often as an idle stream gets a comment.
   * @throws Problem `too_many_streams`, `malformed_request`.
   */
  send(reply: FastifyReply, kind: StreamKind, mayGoOn: () => Promise<boolean>, make: OpenStream): void {
    const response = reply.raw;
    // Pipelined behind another answer: a stream would wait for it, and nobody would tell of the end of the connection.
    if (response.socket === null) {
      throw new Problem('malformed_request', 'A stream has to be the only request on its way in a connection.');
    }
    const { keepAliveMs, most } = this.options;
    if (this.open.size >= most) throw passingProblem('too_many_streams', `There are ${most} already.`);
    const stream = make({ keepAliveMs, patience: PATIENCE, retryMs: RETRY_MS }, () =>
      this.close(response, 'slow_client'),
    );
    this.open.set(response, { stream, kind });
    const check = setInterval(() => {
      void mayGoOn().then((may) => {
        if (!may) this.close(response, 'signed_out');
      });
    }, keepAliveMs).unref();
    response.once('close', () => {
      clearInterval(check);
      this.open.delete(response);
      stream.destroy();
    });
    void reply.type(EVENT_STREAM).header('x-accel-buffering', 'no').send(stream);
  }

  /** To be called when there may be something new for all of them. */
  advance(): void {
    for (const { stream } of this.open.values()) stream.advance();
  }

  /** Ends every stream; resolves when all connections are gone, after the grace at the latest. */
  async closeAll(): Promise<void> {
    await Promise.all(
      [...this.open.keys()].map(
        (response) =>
          new Promise<void>((resolve) => {
            response.once('close', resolve);
            this.close(response, 'shutdown');
          }),
      ),
    );
  }

  private close(response: ServerResponse, code: ClosingCode): void {
    const open = this.open.get(response);
    if (open === undefined) return;
    this.closings.inc({ kind: open.kind, code });
    open.stream.close(code);
    // Who does not read does not read this either.
    const cut = setTimeout(() => response.destroy(), GRACE_MS);
    response.once('close', () => clearTimeout(cut));
  }
}
