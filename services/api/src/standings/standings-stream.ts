import { EventStream, eventText, type EventStreamOptions } from '../http/event-stream.js';
import type { StandingsFeed } from './standings-feed.js';

/**
 * A board each time it says something else. Only the latest is ever sent: a client that is slow misses what was overtaken meanwhile,
 * and one that connects again is sent nothing that it has already.
 */
export class StandingsStream extends EventStream {
  private isReady = false;
  private readonly stop: () => void;

  /** @param sentId what the client has. */
  constructor(
    private readonly feed: StandingsFeed,
    private sentId: string | undefined,
    options: EventStreamOptions,
    onStalled: () => void,
  ) {
    super('standings', options, onStalled);
    this.stop = feed.follow(() => this.advance());
  }

  protected override next(): Uint8Array | string | undefined {
    if (!this.isReady) {
      this.isReady = true;
      // So that a client is told at once that it is connected.
      return eventText('ready', this.sentId, { after: this.sentId ?? null });
    }
    const { current } = this.feed;
    if (current === undefined || current.id === this.sentId) return undefined;
    this.sentId = current.id;
    return current.event;
  }

  protected override unlisten(): void {
    this.stop();
  }
}
