import { createHash } from 'node:crypto';
import { eventText } from '../http/event-stream.js';

/** Standings as of one moment, ready to be sent to everybody who follows them. */
export interface Snapshot {
  /** Of what they say: the same wherever and whenever they say it. */
  readonly id: string;
  readonly event: Uint8Array;
}

/** How often it is looked whether standings have changed, in ms; reading them follows rules of its own. */
const LOOK_MS = 1000;

/** One board for all who follow it: looked at while anybody does, and told of when it says something else. */
export class StandingsFeed {
  private readonly followers = new Set<() => void>();
  private timer: NodeJS.Timeout | undefined;
  private isLooking = false;
  private latest: Snapshot | undefined;

  /**
   * @param read the standings now; a failure is waited out, and what was known goes on being sent.
   * @param onIdle told when nobody follows any more.
   */
  constructor(
    private readonly read: () => Promise<unknown>,
    private readonly onIdle: () => void,
    private readonly lookMs = LOOK_MS,
  ) {}

  /** Undefined before they were first read. */
  get current(): Snapshot | undefined {
    return this.latest;
  }

  /** Told of each change. Returns how to end it. */
  follow(onChanged: () => void): () => void {
    this.followers.add(onChanged);
    if (this.timer === undefined) {
      this.timer = setInterval(() => void this.look(), this.lookMs).unref();
      void this.look();
    }
    return () => {
      this.followers.delete(onChanged);
      if (this.followers.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
      this.onIdle();
    };
  }

  private async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    try {
      const standings = await this.read();
      const id = createHash('sha256').update(JSON.stringify(standings)).digest('base64url').slice(0, 22);
      if (id === this.latest?.id) return;
      this.latest = { id, event: Buffer.from(eventText('standings', id, standings)) };
      for (const tell of [...this.followers]) tell();
    } catch {
      // ClickHouse is away, or the service is starting: whoever asks for a page is told; a stream waits.
    } finally {
      this.isLooking = false;
    }
  }
}
