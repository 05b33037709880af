import { deadLetter, topics } from '@laurel/events';
import { readToEnd } from '@laurel/kafka';
import type { PipelineView } from '../world/pipeline-view.js';
import { Comparison, type CheckResult } from './differences.js';

/** Each invalid record has a dead letter with its code, at least once; a valid one has none. */
export async function compareDeadLetters(
  world: PipelineView,
  expected: ReadonlyMap<string, string>,
): Promise<{ readonly written: number; readonly checks: readonly CheckResult[] }> {
  const found = new Map<string, string>();
  const topic = world.prefix + topics.usageEvents.name;
  const contradictions = new Comparison('dead letters of one record have one code');
  let written = 0;
  await readToEnd(world.kafka, {
    topic: world.prefix + topics.deadLetters.name,
    groupPrefix: `${world.prefix}chaos-dead-letters-`,
    onRecord: ({ value }) => {
      if (value === null) return;
      const letter = deadLetter.decode(value);
      written += 1;
      const place = `${letter.partition}/${letter.offset}`;
      const before = found.get(place);
      contradictions.add(
        (letter.topic !== topic && `${place} is said to be of ${letter.topic}`) ||
          (before !== undefined && before !== letter.code && `${place}: ${before} and ${letter.code}`),
      );
      found.set(place, letter.code);
    },
  });
  const comparison = new Comparison('each invalid record, and no other, is a dead letter with its code');
  comparison.maps(expected, found);
  return { written, checks: [comparison.result, contradictions.result] };
}
