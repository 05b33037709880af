/** Keeps the process alive while somebody waits; the publisher's own timers never do. */
export class KeepAlive {
  private holders = 0;
  private anchor: NodeJS.Timeout | undefined;

  async during<T>(work: Promise<T>): Promise<T> {
    this.holders += 1;
    this.anchor ??= setInterval(() => undefined, 2 ** 30);
    try {
      return await work;
    } finally {
      this.holders -= 1;
      if (this.holders === 0) {
        clearInterval(this.anchor);
        this.anchor = undefined;
      }
    }
  }
}

/** A timer that does not keep the process alive. */
export function after(ms: number, run: () => void): NodeJS.Timeout {
  return setTimeout(run, ms).unref();
}
