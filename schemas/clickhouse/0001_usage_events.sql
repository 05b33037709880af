-- The deduplicated log. One row per event identity survives (source, event_id, user_id, occurred_at): the one with the
-- greatest version, revision * 2^64 + hash of the content. Retractions stay as rows. Absent team and session_id are ''.
-- Read it with FINAL or not at all: a plain read sums rows that a merge has yet to collapse.
CREATE TABLE IF NOT EXISTS usage_events
(
    occurred_at           DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    user_id               String CODEC(ZSTD(1)),
    source                LowCardinality(String),
    event_id              String CODEC(ZSTD(1)),
    version               UInt128,
    revision              UInt32 CODEC(T64, ZSTD(1)),
    retracted             Bool,
    team                  LowCardinality(String),
    session_id            String CODEC(ZSTD(1)),
    provider              LowCardinality(String),
    model                 LowCardinality(String),
    status                Enum8('ok' = 1, 'error' = 2, 'cancelled' = 3),
    origin                Enum8('main' = 1, 'subagent' = 2, 'auxiliary' = 3, 'unknown' = 4),
    input_tokens          UInt64 CODEC(T64, ZSTD(1)),
    cache_read_tokens     UInt64 CODEC(T64, ZSTD(1)),
    cache_write_5m_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_write_1h_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_write_tokens    UInt64 CODEC(T64, ZSTD(1)),
    output_tokens         UInt64 CODEC(T64, ZSTD(1)),
    reasoning_tokens      UInt64 CODEC(T64, ZSTD(1)),
    cost_micro_usd        Nullable(UInt64),
    attributes            Map(LowCardinality(String), String),
    kafka_topic           LowCardinality(String),
    kafka_partition       UInt32 CODEC(T64, ZSTD(1)),
    kafka_offset          UInt64 CODEC(Delta, ZSTD(1)),
    recorded_at           DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    ingested_at           DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX user_id_bloom user_id TYPE bloom_filter GRANULARITY 4,
    INDEX kafka_offset_range kafka_offset TYPE minmax GRANULARITY 4
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toDate(occurred_at)
ORDER BY (toStartOfMinute(occurred_at), user_id, occurred_at, source, event_id);

-- Every offset had an outcome: written after the rows and dead letters of a batch, before its offset is committed.
CREATE TABLE IF NOT EXISTS ingest_ledger
(
    topic       LowCardinality(String),
    partition   UInt32,
    from_offset UInt64,
    to_offset   UInt64,
    rows        UInt64,
    duplicates  UInt64,
    dead        UInt64,
    erased      UInt64,
    written_at  DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, partition, from_offset, to_offset);
