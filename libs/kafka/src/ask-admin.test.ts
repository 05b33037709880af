import { createRequire } from 'node:module';
import { askAdmin } from './ask-admin.js';
import { createTopic, newPrefix, testKafka } from './testing/cluster.js';

const kafka = testKafka();

const NOT_LEADER = 6;

/** What kafkajs throws when a broker answers with an error's code. It does not export this. */
const errorOf = (createRequire(import.meta.url) as (path: string) => unknown)('kafkajs/src/protocol/error.js') as {
  createErrorFromCode(code: number): Error;
};
const notTheLeader = (): Promise<never> => Promise.reject(errorOf.createErrorFromCode(NOT_LEADER));

describe('a question to the brokers', () => {
  it('is asked again while the cluster is settling', async () => {
    const topic = `${newPrefix()}asked`;
    await createTopic(kafka, topic, 2);
    let asked = 0;
    const offsets = await askAdmin(kafka, (admin) => {
      asked += 1;
      return asked < 3 ? notTheLeader() : admin.fetchTopicOffsets(topic);
    });
    expect(offsets).toHaveLength(2);
    expect(asked).toBe(3);
  });

  it('is not asked again where another answer is not to be expected', async () => {
    let asked = 0;
    const answer = askAdmin(kafka, () => {
      asked += 1;
      return Promise.reject(new Error('this is wrong'));
    });
    await expect(answer).rejects.toThrow('this is wrong');
    expect(asked).toBe(1);
  });

  it('ends with what the brokers said when they do not settle', async () => {
    await expect(askAdmin(kafka, notTheLeader)).rejects.toThrow('not the leader');
  }, 60_000);
});
