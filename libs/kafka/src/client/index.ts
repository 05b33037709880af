/** What a publisher needs of Kafka, without Nest: imported as `@laurel/kafka/client`. */
export * from './connection.js';
