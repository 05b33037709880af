import { topics } from '@laurel/events';
import type { PipelineView } from '../world/pipeline-view.js';

/** Whether the ledger has an outcome for an offset; ranges may overlap, as batches are repeated. */
export class Ledger {
  private constructor(private readonly ranges: ReadonlyMap<number, readonly (readonly [number, number])[]>) {}

  static async read(world: PipelineView): Promise<Ledger> {
    const result = await world.clickhouse.query({
      query: `SELECT partition, from_offset AS from, to_offset AS to FROM ingest_ledger
              WHERE topic = {topic:String} ORDER BY partition, from_offset`,
      query_params: { topic: world.prefix + topics.usageEvents.name },
      format: 'JSONEachRow',
    });
    const rows = await result.json<{ partition: number; from: string; to: string }>();
    const ranges = new Map<number, [number, number][]>();
    for (const { partition, from: first, to: last } of rows) {
      const [from, to] = [Number(first), Number(last)];
      const list = ranges.get(partition) ?? [];
      ranges.set(partition, list);
      const before = list.at(-1);
      if (before !== undefined && from <= before[1] + 1) before[1] = Math.max(before[1], to);
      else list.push([from, to]);
    }
    return new Ledger(ranges);
  }

  covers(partition: number, offset: number): boolean {
    const list = this.ranges.get(partition) ?? [];
    let [low, high] = [0, list.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const [from, to] = list[middle] ?? [0, -1];
      if (offset < from) high = middle - 1;
      else if (offset > to) low = middle + 1;
      else return true;
    }
    return false;
  }
}
