import { Command, InvalidArgumentError } from 'commander';
import { topics } from '@laurel/events';
import { applyTopics } from '@laurel/kafka';
import { kafkaSettings } from '@laurel/service-host/settings';
import { fromEnvironment, kafkaFrom } from '../environment.js';

const replication = (text: string): number => {
  const factor = Number(text);
  if (!Number.isInteger(factor) || factor < -1 || factor === 0)
    throw new InvalidArgumentError('not a replication factor');
  return factor;
};

export function topicsCommand(): Command {
  return new Command('topics').description('Kafka topics').addCommand(
    new Command('apply')
      .description('create the topics that are missing and set their configuration; never removes anything')
      .option('--replication-factor <n>', 'of new topics; -1 for the broker’s default', replication, -1)
      .action(async ({ replicationFactor }: { replicationFactor: number }) => {
        const config = fromEnvironment(kafkaSettings);
        const prefix = config.topicPrefix;
        for (const { topic, change } of await applyTopics(kafkaFrom(config), Object.values(topics), {
          prefix,
          replicationFactor,
        })) {
          console.log(`${change.replace('_', ' ').padEnd(16)} ${topic}`);
        }
      }),
  );
}
