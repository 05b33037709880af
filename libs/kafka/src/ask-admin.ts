import type { Admin, Kafka } from 'kafkajs';
import { keepTrying } from '@laurel/stream';
import { classifyKafkaFailure } from './failure.js';

/** Lends an admin with a connection of its own, and closes it. */
export async function withAdmin<T>(kafka: Kafka, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

/** For how long a question is asked again, in ms. */
const SETTLING_MS = 10_000;

/**
 * Asks something of the brokers, over a connection of its own. A question is asked again for up to 10 s while the cluster is
 * settling: after a topic's creation or a leader's death a broker may answer "not the leader" for a while, which kafkajs
 * takes for final in most of what an admin can ask.
 *
 * @throws the last failure.
 */
export const askAdmin = <T>(kafka: Kafka, question: (admin: Admin) => Promise<T>): Promise<T> =>
  withAdmin(kafka, (admin) =>
    keepTrying('ask', () => question(admin), {
      classify: classifyKafkaFailure,
      maxDelayMs: 1000,
      withinMs: SETTLING_MS,
    }),
  );
