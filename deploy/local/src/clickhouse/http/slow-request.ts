/** A request that takes so long is told in the log, and again after each such time, in ms. */
export const SLOW_MS = 30_000;

/** Watches one request, and tells in the log when it takes long: a server's hang looks like a client's otherwise. */
export class SlowRequest {
  /** What it waits for now. */
  waitsFor = 'its body';
  statement = '';
  private readonly began = Date.now();
  private isTold = false;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly queryId: string,
    private readonly tell: (line: string) => void = (line) => console.log(line),
  ) {
    this.timer = setInterval(() => {
      this.isTold = true;
      this.say(`waits for ${this.waitsFor}`);
    }, SLOW_MS).unref();
  }

  end(): void {
    clearInterval(this.timer);
    if (this.isTold) this.say('is over');
  }

  private say(what: string): void {
    const seconds = ((Date.now() - this.began) / 1000).toFixed(0);
    const text = this.statement.replace(/\s+/g, ' ').slice(0, 200);
    this.tell(`${new Date().toISOString()} ${this.queryId} ${what}, after ${seconds} s: ${text}`);
  }
}
