import { Readable } from 'node:stream';

/** Why the server ends a stream; the client connects again and resumes. */
export type ClosingCode = 'slow_client' | 'shutdown' | 'signed_out';

const CLOSING_DETAILS: Readonly<Record<ClosingCode, string>> = {
  slow_client: 'Nothing was read for too long; connect again with Last-Event-ID to resume.',
  signed_out: 'The sign-in or token that this stream began with does not hold any more.',
  shutdown: 'The server ends; connect again with Last-Event-ID to resume.',
};

export interface EventStreamOptions {
  /** Time between two comments that keep proxies from closing an idle connection, in ms. */
  readonly keepAliveMs: number;
  /** A client that takes nothing for so many of these times is given up. */
  readonly patience: number;
  /** How long a client is to wait before it connects again, in ms. */
  readonly retryMs: number;
}

/** Held ready for one client at most, in bytes, apart from one event more and what the socket buffers. */
const BUFFER_BYTES = 16 * 1024;

/**
 * Server-sent events (WHATWG HTML, section 9.2) for one client. What it sends it takes when the client has room, so that a slow
 * client costs no more than a place in what others read too; one that takes nothing for too long is told of.
 */
export abstract class EventStream extends Readable {
  private hasRoom = false;
  private pushedBytes = 0;
  private takenBytes = 0;
  private idleTimes = 0;
  private closing = false;
  private readonly ticker: NodeJS.Timeout;

  /**
   * @param what a word for a person who looks at the stream.
   * @param onStalled told when the client takes nothing for too long.
   */
  protected constructor(
    what: string,
    private readonly options: EventStreamOptions,
    private readonly onStalled: () => void,
  ) {
    super({ highWaterMark: BUFFER_BYTES });
    this.sendText(`retry: ${options.retryMs}\n: Laurel ${what}\n\n`);
    this.ticker = setInterval(() => this.tick(), options.keepAliveMs).unref();
  }

  /** The next event there is for this client; undefined when there is none, or none yet. */
  protected abstract next(): Uint8Array | string | undefined;
  /** Ends whatever tells it of what is new. */
  protected abstract unlisten(): void;

  /** Sends what there is, as far as the client has room; to be called when there may be something new. */
  advance(): void {
    if (this.closing || this.destroyed) return;
    while (this.hasRoom) {
      const event = this.next();
      if (event === undefined) return;
      this.hasRoom = this.sendText(event);
    }
  }

  /** Says why and ends; what was sent before still arrives first. */
  close(code: ClosingCode): void {
    if (this.closing || this.destroyed) return;
    this.closing = true;
    this.sendText(eventText('closing', undefined, { code, detail: CLOSING_DETAILS[code] }));
    this.push(null);
  }

  override _read(): void {
    this.hasRoom = true;
    this.advance();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearInterval(this.ticker);
    this.unlisten();
    callback(error);
  }

  private tick(): void {
    if (this.closing) return;
    const taken = this.pushedBytes - this.readableLength;
    this.idleTimes = this.readableLength > 0 && taken === this.takenBytes ? this.idleTimes + 1 : 0;
    this.takenBytes = taken;
    if (this.idleTimes >= this.options.patience) this.onStalled();
    else if (this.readableLength === 0) this.sendText(': keep-alive\n\n');
  }

  private sendText(event: Uint8Array | string): boolean {
    const chunk = Buffer.from(event);
    this.pushedBytes += chunk.length;
    return this.push(chunk);
  }
}

export function eventText(event: string, id: string | number | undefined, data: unknown): string {
  // JSON has no raw line breaks, so one data line holds it.
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}
