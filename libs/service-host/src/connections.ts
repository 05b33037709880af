import { readFileSync } from 'node:fs';
import type { KafkaConnection } from '@laurel/kafka/client';
import type { RegistryConnection } from '@laurel/kafka';
import type { ClickHouseConnection } from '@laurel/clickhouse';
import {
  choice,
  hostList,
  httpUrl,
  optionalFile,
  optionalHttpUrl,
  optionalText,
  text,
  yesNo,
  type ConfigOf,
  integer,
} from './config.js';

/** A company's own Kafka. */
export const kafkaSettings = {
  kafkaBrokers: hostList('LAUREL_KAFKA_BROKERS', {
    description: 'Kafka brokers, host:port, comma-separated',
    default: '127.0.0.1:9092',
  }),
  kafkaTls: yesNo('LAUREL_KAFKA_TLS', { description: 'connect to Kafka with TLS', default: 'false' }),
  kafkaTlsCaFile: optionalFile('LAUREL_KAFKA_TLS_CA_FILE', {
    description: 'PEM file of the authority that signed the brokers’ certificates; default the system’s',
  }),
  kafkaTlsCertFile: optionalFile('LAUREL_KAFKA_TLS_CERT_FILE', {
    description: 'PEM file of the client certificate, where brokers ask for one',
  }),
  kafkaTlsKeyFile: optionalFile('LAUREL_KAFKA_TLS_KEY_FILE', {
    description: 'PEM file of the client certificate’s key',
  }),
  kafkaSaslMechanism: choice('LAUREL_KAFKA_SASL_MECHANISM', ['none', 'plain', 'scram-sha-256', 'scram-sha-512'], {
    description: 'SASL mechanism: none, plain, scram-sha-256 or scram-sha-512',
    default: 'none',
  }),
  kafkaSaslUsername: text('LAUREL_KAFKA_SASL_USERNAME', { description: 'SASL user', default: '' }),
  kafkaSaslPassword: text('LAUREL_KAFKA_SASL_PASSWORD', { description: 'SASL password', default: '', secret: true }),
  topicPrefix: text('LAUREL_TOPIC_PREFIX', {
    description: 'put before every topic, group and transactional id, such as "laurel-test."',
    default: '',
  }),
};

/** Of every service that is a member of a consumer group. */
export const consumerSettings = {
  sessionTimeoutMs: integer('LAUREL_KAFKA_SESSION_TIMEOUT_MS', 1000, 600_000, {
    description: 'a member that is silent for this long loses its partitions',
    default: '30000',
  }),
};

export const clickHouseSettings = {
  clickHouseUrl: httpUrl('LAUREL_CLICKHOUSE_URL', {
    description: 'ClickHouse over HTTP; https:// for TLS',
    default: 'http://127.0.0.1:8123',
  }),
  clickHouseUsername: text('LAUREL_CLICKHOUSE_USERNAME', { description: 'ClickHouse user', default: 'default' }),
  clickHousePassword: text('LAUREL_CLICKHOUSE_PASSWORD', {
    description: 'ClickHouse password',
    default: '',
    secret: true,
  }),
  clickHouseDatabase: text('LAUREL_CLICKHOUSE_DATABASE', {
    description: 'database that holds everything of Laurel’s',
    default: 'laurel',
  }),
};

/** How people are shown who made no choice; the same for every service that asks. */
export const peopleSettings = {
  peopleVisibility: choice('LAUREL_PEOPLE_VISIBILITY', ['handle', 'hidden'], {
    description: 'how people are shown who made no choice: handle or hidden; the same for all services',
    default: 'handle',
  }),
  peopleFigures: choice('LAUREL_PEOPLE_FIGURES', ['exact', 'rounded', 'bands'], {
    description: 'how their figures are shown: exact, rounded or bands; the same for all services',
    default: 'exact',
  }),
};

export const registrySettings = {
  registryUrl: optionalHttpUrl('LAUREL_SCHEMA_REGISTRY_URL', {
    description: 'schema registry for records in Confluent framing; without it they are dead-lettered',
  }),
  registryUsername: optionalText('LAUREL_SCHEMA_REGISTRY_USERNAME', { description: 'registry user' }),
  registryPassword: optionalText('LAUREL_SCHEMA_REGISTRY_PASSWORD', { description: 'registry password', secret: true }),
};

export function kafkaConnection(config: ConfigOf<typeof kafkaSettings>, clientId: string): KafkaConnection {
  const { kafkaTlsCaFile, kafkaTlsCertFile, kafkaTlsKeyFile, kafkaSaslMechanism: mechanism } = config;
  return {
    clientId,
    brokers: config.kafkaBrokers,
    ssl: config.kafkaTls && {
      ...(kafkaTlsCaFile === undefined ? {} : { ca: readFileSync(kafkaTlsCaFile) }),
      ...(kafkaTlsCertFile === undefined ? {} : { cert: readFileSync(kafkaTlsCertFile) }),
      ...(kafkaTlsKeyFile === undefined ? {} : { key: readFileSync(kafkaTlsKeyFile) }),
    },
    sasl:
      mechanism === 'none'
        ? undefined
        : { mechanism, username: config.kafkaSaslUsername, password: config.kafkaSaslPassword },
  };
}

export function clickHouseConnection(
  config: ConfigOf<typeof clickHouseSettings>,
  application: string,
): ClickHouseConnection {
  return {
    application,
    url: config.clickHouseUrl,
    username: config.clickHouseUsername,
    password: config.clickHousePassword,
    database: config.clickHouseDatabase,
  };
}

export function registryConnection(config: ConfigOf<typeof registrySettings>): RegistryConnection | undefined {
  const { registryUrl: url, registryUsername: username, registryPassword: password } = config;
  return url === undefined ? undefined : { url, username, password };
}
