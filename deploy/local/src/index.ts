export { chooseStack, type StackKind } from './choose.js';
export { startClickHouse, type ClickHouseOptions, type LocalClickHouse } from './clickhouse/start.js';
export { startKafka, type KafkaOptions, type LocalKafka } from './kafka/start.js';
export { startStack, type Stack, type StackOptions } from './start-stack.js';
