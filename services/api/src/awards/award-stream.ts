import { awardJson, type PeopleDirectory } from '@laurel/policy';
import { EventStream, eventText, type EventStreamOptions } from '../http/event-stream.js';
import type { AwardLog } from './award-log.js';

/**
 * The awards after an offset, and those to come. It reads from the log when the client has room. The first event, `ready`, carries
 * the id that everything after it follows, so that a client that is cut off before its first award still resumes in the right
 * place.
 */
export class AwardStream extends EventStream {
  private position: number | undefined;
  private isReady = false;
  private readonly stop: () => void;

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
    options: EventStreamOptions,
    onStalled: () => void,
  ) {
    super('awards', options, onStalled);
    this.stop = log.onAdded(() => this.advance());
    this.advance();
  }

  override advance(): void {
    // "Now" is when it can be known, whether or not the client has room.
    if (this.position === undefined && this.isCaughtUp()) this.position = this.after ?? this.log.lastOffset;
    super.advance();
  }

  protected override next(): string | undefined {
    if (this.position === undefined) return undefined;
    if (!this.isReady) {
      this.isReady = true;
      return eventText('ready', this.position, { after: String(this.position) });
    }
    const logged = this.log.next(this.position);
    if (logged === undefined) return undefined;
    this.position = logged.offset;
    return eventText('award', logged.offset, awardJson(logged, this.people));
  }

  protected override unlisten(): void {
    this.stop();
  }
}
