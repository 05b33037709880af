/** How a call of a process to the world outside ends: a kill leaves the world with or without the call's effect. */
export type Fate = 'answered' | 'answer lost' | 'killed before' | 'killed after';

/** The call had its effect, and who made it doesn't know. */
export class AnswerLost extends Error {}

interface Call {
  /** The effect alone; nobody is there to hear of a refusal. */
  readonly outlive: () => void;
  readonly answer: () => void;
  readonly lose: () => void;
}

/**
 * A process that stands still at each of its calls to the world until it is told to go on. So a script decides how the
 * steps of several processes interleave, and where one dies. Nothing here takes time.
 */
export class Process {
  private waiting: Call | undefined;
  private arrive: () => void = () => undefined;
  private failure: { readonly error: unknown } | undefined;
  private over = false;

  private constructor(
    readonly name: string,
    private readonly onKilled: () => void,
  ) {}

  /** Resolves when the process stands at its first call. */
  static async start(name: string, body: (process: Process) => Promise<void>, onKilled: () => void): Promise<Process> {
    const process = new Process(name, onKilled);
    await process.untilNextCall(() => {
      body(process).then(
        () => process.end(),
        (error: unknown) => {
          process.failure = { error };
          process.end();
        },
      );
    });
    return process;
  }

  get isOver(): boolean {
    return this.over;
  }

  /** A call to the world, as the process makes it. @throws AnswerLost */
  call<T>(effect: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const end = (isHeard: boolean): void => {
        try {
          const value = effect();
          if (isHeard) resolve(value);
          else reject(new AnswerLost());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      this.waiting = { outlive: () => end(true), answer: () => end(true), lose: () => end(false) };
      this.arrive();
    });
  }

  /** Repeats what a lost answer left in doubt, as the one policy for outages does. */
  async attempt<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof AnswerLost)) throw error;
      }
    }
  }

  /** A call that may be repeated by itself. */
  ask<T>(effect: () => T): Promise<T> {
    return this.attempt(() => this.call(effect));
  }

  /** Ends the call that it stands at. Resolves when it stands at its next one, or is over. */
  async advance(fate: Fate): Promise<void> {
    const call = this.waiting;
    if (call === undefined) throw new Error(`${this.name} is over`);
    this.waiting = undefined;
    if (fate === 'killed before' || fate === 'killed after') {
      if (fate === 'killed after') call.outlive();
      this.over = true;
      this.onKilled();
      return;
    }
    await this.untilNextCall(fate === 'answered' ? call.answer : call.lose);
    if (this.failure !== undefined) throw this.failure.error;
  }

  private async untilNextCall(go: () => void): Promise<void> {
    const arrived = new Promise<void>((resolve) => {
      this.arrive = resolve;
    });
    go();
    await arrived;
  }

  private end(): void {
    this.over = true;
    this.arrive();
  }
}
