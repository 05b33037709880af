import { Readable } from 'node:stream';
import { awardJson, type PeopleDirectory } from '@laurel/policy';
import type { AwardLog } from './award-log.js';

/** Why the server ends a stream; the client connects again and resumes. */
export type ClosingCode = 'slow_client' | 'shutdown';

const CLOSING_DETAILS: Readonly<Record<ClosingCode, string>> = {
  slow_client: 'Nothing was read for too long; connect again with Last-Event-ID to resume.',
  shutdown: 'The server ends; connect again with Last-Event-ID to resume.',
};

export interface AwardStreamOptions {
  /** Time between two comments that keep proxies from closing an idle connection, in ms. */
  readonly keepAliveMs: number;
  /** A client that takes nothing for so many of these times is given up. */
  readonly patience: number;
  /** How long a client is to wait before it connects again, in ms. */
  readonly retryMs: number;
}

/** Held ready for one client at most, in bytes, apart from one award more and what the socket buffers. */
const BUFFER_BYTES = 16 * 1024;

/**
 * The awards after an offset as server-sent events (WHATWG HTML, section 9.2), and those to come.
 *
 * It reads from the log when the client has room, so a slow client costs its place in the log and no more. The first
 * event, `ready`, carries the id that everything after it follows, so that a client that is cut off before
 * its first award still resumes in the right place.
 */
export class AwardStream extends Readable {
  private position: number | undefined;
  private hasRoom = false;
  private pushedBytes = 0;
  private takenBytes = 0;
  private idleTimes = 0;
  private closing = false;
  private readonly unlisten: () => void;
  private readonly ticker: NodeJS.Timeout;

  /**
   * @param after awards after this offset; undefined for those that come after now.
   * @param people how they are shown at the moment when an award is sent.
   * @param isCaughtUp whether the log and the people hold all that was there at the start: until then "now" is not known, and
   *   waited for.
   */
  constructor(
    private readonly log: AwardLog,
    private readonly people: PeopleDirectory,
    private readonly after: number | undefined,
    private readonly isCaughtUp: () => boolean,
    private readonly options: AwardStreamOptions,
    private readonly onStalled: () => void,
  ) {
    super({ highWaterMark: BUFFER_BYTES });
    this.sendText(`retry: ${options.retryMs}\n: Laurel awards\n\n`);
    this.unlisten = log.onAdded(() => this.advance());
    this.ticker = setInterval(() => this.tick(), options.keepAliveMs).unref();
    this.advance();
  }

  /** Sends on what the log has; to be called when the log has caught up. */
  advance(): void {
    if (this.closing || this.destroyed) return;
    if (this.position === undefined) {
      if (!this.isCaughtUp()) return;
      this.position = this.after ?? this.log.lastOffset;
      this.hasRoom = this.sendText(eventText('ready', this.position, { after: String(this.position) }));
    }
    while (this.hasRoom) {
      const logged = this.log.next(this.position);
      if (logged === undefined) return;
      this.position = logged.offset;
      this.hasRoom = this.sendText(eventText('award', logged.offset, awardJson(logged, this.people)));
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

  private sendText(text: string): boolean {
    const chunk = Buffer.from(text);
    this.pushedBytes += chunk.length;
    return this.push(chunk);
  }
}

function eventText(event: string, id: number | undefined, data: unknown): string {
  // JSON has no raw line breaks, so one data line holds it.
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}
