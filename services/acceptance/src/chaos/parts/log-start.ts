import { topics } from '@laurel/events';
import type { ServiceName } from '../../pipeline/service-process.js';
import { Comparison } from '../model/differences.js';
import type { Program } from '../world/program.js';
import { someEvents } from './events.js';
import type { Part } from './part.js';
import { SmallPipeline, type PartitionPlace } from './small-pipeline.js';

const CODE = 'log_start_above_committed';
const ENDS_WITHIN_MS = 60_000;

/** Who finds the log's start above its committed offset, on which topic, and when: at its start, or while it stands still. */
const cases = [
  { service: 'usage-ingest', topic: topics.usageEvents.name, isRunning: false },
  { service: 'usage-ingest', topic: topics.usageEvents.name, isRunning: true },
  { service: 'usage-projector', topic: topics.usageStored.name, isRunning: false },
] as const;

/** The service has to halt with its code and status, and to commit and store nothing beyond. */
export const logStart: Part = {
  name: 'offset-below-log-start',
  simulates: 'retention has deleted records that a consumer had yet to read: it halts, and never skips',
  run: async ({ world, random, times }) => {
    const bites: string[] = [];
    const halts = new Comparison(`a service halts with ${CODE} and a status above 0`);
    const skips = new Comparison('a service that halts has committed nothing beyond the gap');
    for (let time = 0; time < times; time += 1) {
      const { service, topic, isRunning } = cases[time % cases.length] ?? cases[0];
      const pipeline = await SmallPipeline.create(world, `halt${time}`);
      try {
        const ingest = await pipeline.start('usage-ingest');
        const programs: Partial<Record<ServiceName, Program>> = { 'usage-ingest': ingest };
        if (service === 'usage-projector') programs[service] = await pipeline.start(service);
        await pipeline.publish(someEvents(`before-${time}`, 400, random));
        await pipeline.committed(topics.usageEvents.name, 'usage-ingest');
        if (service === 'usage-projector') await pipeline.committed(topic, service);

        let program = programs[service] ?? ingest;
        if (isRunning) program.send('SIGSTOP');
        else await pipeline.end(program);
        await pipeline.publish(someEvents(`gone-${time}`, 400, random));
        if (service === 'usage-projector') await pipeline.committed(topics.usageEvents.name, 'usage-ingest');
        const before = await pipeline.places(topic, service);
        const deleted = await deleteToTheEnd(pipeline, topic, before);
        await pipeline.publish(someEvents(`after-${time}`, 400, random));
        if (isRunning) program.send('SIGCONT');
        else program = await pipeline.start(service);

        const end = await Promise.race([
          program.ended,
          new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), ENDS_WITHIN_MS)),
        ]);
        const says = program.log().includes(CODE);
        halts.add(
          (end === undefined || end.status === 0 || !says) &&
            `${service}${isRunning ? ', running,' : ''}: ${end === undefined ? 'goes on' : `status ${end.status ?? '–'}`}, ${says ? 'says so' : 'says nothing of it'}`,
        );
        for (const [partition, { committed }] of await pipeline.places(topic, service)) {
          const was = before.get(partition);
          if (was === undefined || was.high <= was.committed) continue;
          skips.add(committed > was.committed && `${topic}/${partition}: committed ${committed}, was ${was.committed}`);
        }
        bites.push(
          `${deleted} records of ${topic} were deleted before ${service} had read them${isRunning ? ', while it ran' : ''}`,
        );
      } finally {
        await pipeline.close();
      }
    }
    return { bites, checks: [halts.result, skips.result] };
  },
};

async function deleteToTheEnd(
  pipeline: SmallPipeline,
  topic: string,
  places: ReadonlyMap<number, PartitionPlace>,
): Promise<number> {
  const waiting = [...places].filter(([, { high, committed }]) => high > Math.max(0, committed));
  const admin = pipeline.kafka.admin();
  await admin.connect();
  try {
    // Without it the client doesn't know the topic.
    await admin.fetchTopicOffsets(pipeline.prefix + topic);
    await admin.deleteTopicRecords({
      topic: pipeline.prefix + topic,
      partitions: waiting.map(([partition, { high }]) => ({ partition, offset: String(high) })),
    });
  } finally {
    await admin.disconnect();
  }
  return waiting.reduce((sum, [, { high, committed }]) => sum + high - Math.max(0, committed), 0);
}
