export { chooseStack, type StackKind } from './choose.js';
export { startClickHouse, type ClickHouseOptions, type LocalClickHouse } from './clickhouse/start.js';
export type { Detour } from './kafka/properties.js';
export { startKafka, type KafkaOptions, type LocalKafka } from './kafka/start.js';
export { freePort } from './ports.js';
export { startStack, type Stack, type StackOptions } from './start-stack.js';
export { openViews } from './clickhouse/analyst/open-views.js';
