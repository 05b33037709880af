import type { ConnectionOptions } from 'node:tls';
import kafkajs, { type Kafka, type SASLOptions } from 'kafkajs';
import { checkQueuesInNeed, closeHalfConnected, withBrokers } from './brokers.js';
import { registerCodecs } from './codecs.js';

/** How to reach a Kafka cluster. */
export interface KafkaConnection {
  /** host:port of at least one broker. */
  readonly brokers: readonly string[];
  /** Shows in the broker's logs and quotas. */
  readonly clientId: string;
  /** TLS: true for the system's authorities, or Node's options. Default false. */
  readonly ssl?: boolean | ConnectionOptions | undefined;
  readonly sasl?: KafkaSasl | undefined;
  /** Until a TCP or TLS connection stands, in ms. Default 10 000. */
  readonly connectionTimeoutMs?: number | undefined;
  /** Until a request is answered, in ms. Default 30 000. */
  readonly requestTimeoutMs?: number | undefined;
}

export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

export type KafkaLogLevel = 'error' | 'warn' | 'info' | 'debug';

/** Receives kafkajs' log lines; `fields` are as kafkajs gives them. */
export type KafkaLog = (level: KafkaLogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void;

const LEVELS: Readonly<Record<number, KafkaLogLevel>> = { 1: 'error', 2: 'warn', 4: 'info', 5: 'debug' };

/** A kafkajs client with every compression codec registered. Nothing connects until it is used. */
export function kafkaClient(connection: KafkaConnection, log?: KafkaLog): Kafka {
  registerCodecs();
  const kafka = new kafkajs.Kafka({
    clientId: connection.clientId,
    brokers: [...connection.brokers],
    ssl: connection.ssl ?? false,
    ...(connection.sasl === undefined ? {} : { sasl: connection.sasl as SASLOptions }),
    connectionTimeout: connection.connectionTimeoutMs ?? 10_000,
    requestTimeout: connection.requestTimeoutMs ?? 30_000,
    enforceRequestTimeout: true,
    // By default up to 30 s pass after a broker is back until it is asked again.
    retry: { maxRetryTime: 2000 },
    logLevel: kafkajs.logLevel.INFO,
    logCreator: () => (entry) => {
      const { message, ...fields } = entry.log;
      log?.(LEVELS[entry.level] ?? 'debug', message, fields);
    },
  });
  return withBrokers(kafka, (broker) => {
    closeHalfConnected(broker);
    checkQueuesInNeed(broker);
  });
}
