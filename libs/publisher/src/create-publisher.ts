import type { ConnectionOptions } from 'node:tls';
import { kafkaSink } from './kafka-sink.js';
import { resolveKafka, type PublisherOptions } from './options.js';
import type { Publisher } from './publisher-api.js';
import { BufferedPublisher } from './publisher.js';

/**
 * A publisher of usage events and outcomes. Nothing connects until the first event is recorded.
 *
 * Throws `invalid_options`, which names every fault at once.
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const { topics, compression } = resolveKafka(options);
  const { ssl, clientId = 'laurel-publisher', ...kafka } = options.kafka;
  const connection = { ...kafka, clientId, ssl: ssl as boolean | ConnectionOptions | undefined };
  return new BufferedPublisher(options, kafkaSink({ connection, topics, compression, log: options.log }));
}
