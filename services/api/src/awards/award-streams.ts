import type { ServerResponse } from 'node:http';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { PeopleDirectory } from '@laurel/policy';
import type { Startup } from '../startup.js';
import type { AwardLog } from './award-log.js';
import { AwardStream, type ClosingCode } from './award-stream.js';

/** A client that takes nothing for so many keep-alives is given up. */
const PATIENCE = 4;

/** How long a client is to wait before it connects again, in ms. */
const RETRY_MS = 2000;

/**
 * How long a client that is told to go has for reading so, before its connection is cut, in ms. Less than RETRY_MS, so
 * that nobody is back before the server is gone: many clients give up for good when they are answered with an error.
 */
const GRACE_MS = 1000;

/** All open streams, so that they can be told of the service's end. */
export class AwardStreams {
  private readonly open = new Map<ServerResponse, AwardStream>();
  private readonly closings: Counter<'code'>;

  constructor(
    private readonly log: AwardLog,
    private readonly people: PeopleDirectory,
    private readonly startup: Startup,
    metrics: Registry,
    private readonly keepAliveMs: number,
  ) {
    const { open } = this;
    new Gauge({
      name: 'laurel_award_streams',
      help: 'Clients that follow the awards now',
      registers: [metrics],
      collect() {
        this.set(open.size);
      },
    });
    this.closings = new Counter({
      name: 'laurel_award_streams_closed_total',
      help: 'Streams that the server ended',
      labelNames: ['code'],
      registers: [metrics],
    });
  }

  /** A stream for this response, which it outlives in no case. */
  stream(response: ServerResponse, after: number | undefined): AwardStream {
    const stream = new AwardStream(
      this.log,
      this.people,
      after,
      () => this.startup.hasTitles && this.startup.hasPeople,
      { keepAliveMs: this.keepAliveMs, patience: PATIENCE, retryMs: RETRY_MS },
      () => this.close(response, 'slow_client'),
    );
    this.open.set(response, stream);
    response.once('close', () => {
      this.open.delete(response);
      stream.destroy();
    });
    return stream;
  }

  /** To be called when the log, and when people's choices have caught up. */
  onCaughtUp(): void {
    for (const stream of this.open.values()) stream.advance();
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
    this.closings.inc({ code });
    this.open.get(response)?.close(code);
    // Who does not read does not read this either.
    const cut = setTimeout(() => response.destroy(), GRACE_MS);
    response.once('close', () => clearTimeout(cut));
  }
}
