import { setTimeout as sleep } from 'node:timers/promises';
import type { PipelineView } from '../world/pipeline-view.js';
import { Comparison, type CheckResult } from './differences.js';

const EVERY_MS = 150;
/** What retractions may take out of a bucket between two readings, as a share and as a number of events. */
const SHARE = 0.1;
const EVENTS = 25;

interface Row {
  readonly hour: number;
  readonly events: string;
}

/**
 * Reads the figures all the time, as a dashboard does: whatever is being recomputed, and whoever dies in the middle of
 * it, no hour that was there is ever missing, or loses more than was retracted.
 */
export class LiveReader {
  private readonly known = new Map<number, number>();
  private readonly comparison = new Comparison('no reader ever misses an hour, or a part of one');
  private readonly stopped = new AbortController();
  private running: Promise<void> | undefined;

  constructor(private readonly view: PipelineView) {}

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<CheckResult> {
    this.stopped.abort();
    await this.running;
    return this.comparison.result;
  }

  private async run(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      const rows = await this.read().catch(() => undefined);
      if (rows !== undefined) this.compare(new Map(rows.map(({ hour, events }) => [hour, Number(events)])));
      await sleep(EVERY_MS);
    }
  }

  private async read(): Promise<readonly Row[]> {
    const result = await this.view.clickhouse.query({
      query: 'SELECT toUnixTimestamp(hour) AS hour, sum(t.events) AS events FROM usage AS t GROUP BY hour',
      format: 'JSONEachRow',
    });
    return result.json<Row>();
  }

  private compare(now: ReadonlyMap<number, number>): void {
    for (const [hour, before] of this.known) {
      const events = now.get(hour) ?? 0;
      const least = before - Math.max(EVENTS, before * SHARE);
      this.comparison.add(
        events < least &&
          `${new Date().toISOString()}: ${new Date(hour * 1000).toISOString()} had ${before} events and now ${events}`,
      );
    }
    for (const [hour, events] of now) this.known.set(hour, events);
  }
}
