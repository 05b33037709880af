import { setTimeout as sleep } from 'node:timers/promises';
import { topics } from '@laurel/events';
import { readToEnd } from '@laurel/kafka';
import kafkajs from 'kafkajs';
import { eventually } from '../../pipeline/eventually.js';
import { someEvents } from './events.js';
import type { Part } from './part.js';
import { SmallPipeline } from './small-pipeline.js';

const ROUNDS = 4;

/** Gaps of every size before and between the records that ingest has yet to read; none of them is a loss. */
export const compactionGaps: Part = {
  name: 'compaction-gaps',
  simulates: 'the topic was compacted for a while: offsets are missing in the middle of it',
  run: async ({ world, random, times }) => {
    const bites: string[] = [];
    const checks = [];
    for (let time = 0; time < times; time += 1) {
      const pipeline = await SmallPipeline.create(world, `compact${time}`);
      try {
        await configure(pipeline, 'compact');
        for (let round = 0; round < ROUNDS; round += 1) {
          await pipeline.publish(someEvents(`compact-${time}-${round}`, 600, random, 60));
          // A segment that is over is one that may be compacted.
          await sleep(400);
        }
        let gaps = 0;
        await eventually('gaps in the topic', async () => {
          await pipeline.publish(someEvents(`more-${time}-${Date.now()}`, 5, random));
          gaps = await gapsOf(pipeline);
          return gaps > 100;
        });
        await configure(pipeline, 'delete');
        // A run of the cleaner may be under way.
        await sleep(3000);
        gaps = await gapsOf(pipeline);
        await pipeline.start('usage-ingest');
        await pipeline.start('usage-projector');
        await pipeline.publish(someEvents(`end-${time}`, 200, random));
        await pipeline.committed(topics.usageEvents.name, 'usage-ingest');
        await pipeline.committed(topics.usageStored.name, 'usage-projector');
        checks.push(...(await pipeline.compare()));
        bites.push(`${gaps} offsets of the topic had no record`);
      } finally {
        await pipeline.close();
      }
    }
    return { bites, checks };
  },
};

async function configure(pipeline: SmallPipeline, policy: 'compact' | 'delete'): Promise<void> {
  const admin = pipeline.kafka.admin();
  await admin.connect();
  try {
    const config = {
      ...topics.usageEvents.config,
      'cleanup.policy': policy,
      ...(policy === 'compact' ? { 'segment.ms': '100', 'min.cleanable.dirty.ratio': '0.01' } : {}),
    };
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: pipeline.prefix + topics.usageEvents.name,
          configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
        },
      ],
    });
  } finally {
    await admin.disconnect();
  }
}

async function gapsOf(pipeline: SmallPipeline): Promise<number> {
  let records = 0;
  await readToEnd(pipeline.kafka, {
    topic: pipeline.prefix + topics.usageEvents.name,
    groupPrefix: `${pipeline.prefix}chaos-`,
    onRecord: () => void (records += 1),
  });
  const places = await pipeline.places(topics.usageEvents.name, 'usage-ingest');
  return [...places.values()].reduce((sum, { high, low }) => sum + high - low, 0) - records;
}
