/** How often it is looked whether any figure has changed, in ms. */
const LOOK_MS = 1000;

/** Between two changes that are told, in ms: whoever follows reads anew what they show. */
const TELL_MS = 4000;

/** What can be known of the figures: which ones they are, or that they can't be read at the moment. */
export type FiguresState =
  | { readonly event: 'figures'; readonly data: { readonly version: string } }
  | { readonly event: 'away'; readonly data: Readonly<Record<string, never>> };

/** One for all who follow: it looks while anybody does, and tells when there is something else to say. */
export class FiguresFeed {
  private readonly followers = new Set<() => void>();
  private timer: NodeJS.Timeout | undefined;
  private isLooking = false;
  private latest: FiguresState | undefined;
  private toldAtMs = -Infinity;

  /** @param version of the figures; its failure means that they can't be read now. */
  constructor(
    private readonly version: () => Promise<string>,
    private readonly lookMs = LOOK_MS,
    private readonly tellMs = TELL_MS,
  ) {}

  /** Undefined before it was first looked. */
  get current(): FiguresState | undefined {
    return this.latest;
  }

  /** Told of each change. Returns how to end it. */
  follow(onChanged: () => void): () => void {
    this.followers.add(onChanged);
    if (this.timer === undefined) {
      // What was known when somebody last followed may be long past.
      this.latest = undefined;
      this.timer = setInterval(() => void this.look(), this.lookMs).unref();
      void this.look();
    }
    return () => {
      this.followers.delete(onChanged);
      if (this.followers.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    };
  }

  private async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    const state = await this.version().then(
      (version): FiguresState => ({ event: 'figures', data: { version } }),
      (): FiguresState => ({ event: 'away', data: {} }),
    );
    this.isLooking = false;
    const now = performance.now();
    const isSame = JSON.stringify(state) === JSON.stringify(this.latest);
    if (isSame || (this.latest !== undefined && now - this.toldAtMs < this.tellMs)) return;
    this.latest = state;
    this.toldAtMs = now;
    for (const tell of [...this.followers]) tell();
  }
}
