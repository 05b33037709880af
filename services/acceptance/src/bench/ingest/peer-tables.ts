/**
 * What a team would make in ClickHouse for the same purpose: the events, deduplicated by the same key as Laurel's, and sums of each
 * minute by the same groups. Both are filled by materialized views, from whatever table has the shape of the JSON.
 */
const JSON_COLUMNS = `
  event_id String,
  source LowCardinality(String),
  revision UInt32,
  retracted Bool,
  occurred_at DateTime64(3, 'UTC'),
  user_id String,
  team LowCardinality(String),
  session_id String,
  provider LowCardinality(String),
  model LowCardinality(String),
  status LowCardinality(String),
  origin LowCardinality(String),
  cost_micro_usd Nullable(UInt64),
  attributes Map(LowCardinality(String), String),
  tokens Tuple(input UInt64, cache_read UInt64, cache_write_5m UInt64, cache_write_1h UInt64, cache_write UInt64,
    output UInt64, reasoning UInt64)`;

export const TOKEN_CLASSES = [
  ['input', 'input_tokens'],
  ['cache_read', 'cache_read_tokens'],
  ['cache_write_5m', 'cache_write_5m_tokens'],
  ['cache_write_1h', 'cache_write_1h_tokens'],
  ['cache_write', 'cache_write_tokens'],
  ['output', 'output_tokens'],
  ['reasoning', 'reasoning_tokens'],
] as const;
const SUMS = ['events', 'cost_micro_usd', ...TOKEN_CLASSES.map(([, column]) => column)];

/** Columns are coded as those of Laurel's table. */
const EVENTS = `CREATE TABLE events
(
  occurred_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
  user_id String CODEC(ZSTD(1)),
  source LowCardinality(String),
  event_id String CODEC(ZSTD(1)),
  revision UInt32 CODEC(T64, ZSTD(1)),
  retracted Bool,
  team LowCardinality(String),
  session_id String CODEC(ZSTD(1)),
  provider LowCardinality(String),
  model LowCardinality(String),
  status LowCardinality(String),
  origin LowCardinality(String),
  ${TOKEN_CLASSES.map(([, column]) => `${column} UInt64 CODEC(T64, ZSTD(1))`).join(', ')},
  cost_micro_usd Nullable(UInt64),
  attributes Map(LowCardinality(String), String)
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toDate(occurred_at)
ORDER BY (toStartOfMinute(occurred_at), user_id, occurred_at, source, event_id)`;

const GROUPS = 'user_id, session_id, provider, model, team, origin, status';
const MINUTES = `CREATE TABLE minutes
(
  minute DateTime('UTC'),
  user_id String, session_id String, provider LowCardinality(String), model LowCardinality(String),
  team LowCardinality(String), origin LowCardinality(String), status LowCardinality(String),
  ${SUMS.map((column) => `${column} UInt64`).join(', ')}
)
ENGINE = SummingMergeTree
PARTITION BY toDate(minute)
ORDER BY (minute, ${GROUPS})`;

/** @param engine of the table that takes the JSON: `Null`, or a queue. */
export const sourceTable = (engine: string): string => `CREATE TABLE source (${JSON_COLUMNS}) ENGINE = ${engine}`;

/** Where every peer begins. */
export const targetTables: readonly string[] = [EVENTS, MINUTES];

/** From `source` into both tables. */
export const viewsOfSource: readonly string[] = [
  `CREATE MATERIALIZED VIEW events_of_source TO events AS
    SELECT event_id, source, revision, retracted, occurred_at, user_id, team, session_id, provider, model, status, origin,
      cost_micro_usd, attributes, ${TOKEN_CLASSES.map(([name, column]) => `tokens.${name} AS ${column}`).join(', ')}
    FROM source`,
  `CREATE MATERIALIZED VIEW minutes_of_source TO minutes AS
    SELECT toStartOfMinute(occurred_at) AS minute, ${GROUPS}, count() AS events,
      sum(ifNull(source.cost_micro_usd, 0)) AS cost_micro_usd,
      ${TOKEN_CLASSES.map(([name, column]) => `sum(tokens.${name}) AS ${column}`).join(', ')}
    FROM source GROUP BY minute, ${GROUPS}`,
];

/** From `events`, for who inserts rows of that shape. */
export const viewOfEvents = `CREATE MATERIALIZED VIEW minutes_of_events TO minutes AS
  SELECT toStartOfMinute(occurred_at) AS minute, ${GROUPS}, count() AS events,
    sum(ifNull(events.cost_micro_usd, 0)) AS cost_micro_usd,
    ${TOKEN_CLASSES.map(([, column]) => `sum(events.${column}) AS ${column}`).join(', ')}
  FROM events GROUP BY minute, ${GROUPS}`;
