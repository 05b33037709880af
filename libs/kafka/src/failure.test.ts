import { createRequire } from 'node:module';
import kafkajs from 'kafkajs';
import { classifyKafkaFailure } from './failure.js';

/** A part of kafkajs that it does not export. */
const kafkajsPart = createRequire(import.meta.url) as (path: string) => unknown;

async function failureOf(act: () => unknown): Promise<unknown> {
  try {
    await act();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

describe('a failure of Kafka', () => {
  it('is an outage where the cluster is away, whatever wraps that', () => {
    const away = new kafkajs.KafkaJSConnectionError('connection refused');
    expect(classifyKafkaFailure(away)).toBe('retriable');
    expect(classifyKafkaFailure(new Error('while starting', { cause: away }))).toBe('retriable');
  });

  it('is an outage where kafkajs stumbles over a broker that it has just lost', async () => {
    const Broker = kafkajsPart('kafkajs/src/broker/index.js') as new (options: object) => {
      metadata(topics: readonly string[]): Promise<unknown>;
    };
    const BrokerPool = kafkajsPart('kafkajs/src/cluster/brokerPool.js') as new (options: object) => object;
    const createAdmin = kafkajsPart('kafkajs/src/admin/index.js') as (options: object) => kafkajs.Admin;
    const logger = { namespace: () => ({ debug: () => undefined }) };

    const lost = await failureOf(() => new Broker({ connectionPool: {}, logger }).metadata([]));
    expect([String(lost), lost instanceof kafkajs.KafkaJSError]).toEqual(['Error: Broker not connected', false]);
    expect(classifyKafkaFailure(lost)).toBe('retriable');

    // What its cluster answers when no broker could be connected.
    const cluster = { brokerPool: new BrokerPool({ logger }), metadata: () => Promise.resolve(null) };
    const admin = createAdmin({ logger, cluster, instrumentationEmitter: { addListener: () => undefined } });
    const unanswered = await failureOf(() => admin.fetchTopicMetadata({ topics: ['a'] }));
    expect(unanswered).toBeInstanceOf(TypeError);
    expect(classifyKafkaFailure(unanswered)).toBe('retriable');
  });

  it('is none where what we ask for is wrong, or the mistake is our own', async () => {
    const invalid = await failureOf(() =>
      new kafkajs.Kafka({ brokers: ['localhost:1'] }).admin().fetchTopicMetadata({ topics: [''] }),
    );
    expect(classifyKafkaFailure(invalid)).toBe('fatal');
    expect(classifyKafkaFailure(new TypeError('ours'))).toBe('fatal');
    const ours = await failureOf(() => Buffer.alloc(1).readInt32BE(0));
    expect(classifyKafkaFailure(ours)).toBe('fatal');
  });
});
