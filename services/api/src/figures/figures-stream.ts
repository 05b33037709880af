import { EventStream, eventText, type EventStreamOptions } from '../http/event-stream.js';
import type { FiguresFeed, FiguresState } from './figures-feed.js';

/** That figures have changed, not what they are. Only the latest state is ever sent, so that there is nothing to resume. */
export class FiguresStream extends EventStream {
  private isReady = false;
  private sent: FiguresState | undefined;
  private readonly stop: () => void;

  constructor(
    private readonly feed: FiguresFeed,
    options: EventStreamOptions,
    onStalled: () => void,
  ) {
    super('figures', options, onStalled);
    this.stop = feed.follow(() => this.advance());
  }

  protected override next(): string | undefined {
    if (!this.isReady) {
      this.isReady = true;
      return eventText('ready', undefined, {});
    }
    const { current } = this.feed;
    if (current === undefined || current === this.sent) return undefined;
    this.sent = current;
    return eventText(current.event, undefined, current.data);
  }

  protected override unlisten(): void {
    this.stop();
  }
}
