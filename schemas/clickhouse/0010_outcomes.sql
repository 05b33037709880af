-- What came of the work, deduplicated: columns, versions and retractions as of usage_events, and so is how it is to be read.
CREATE TABLE IF NOT EXISTS outcome_events
(
    occurred_at     DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    user_id         String CODEC(ZSTD(1)),
    source          LowCardinality(String),
    event_id        String CODEC(ZSTD(1)),
    version         UInt128,
    revision        UInt32 CODEC(T64, ZSTD(1)),
    retracted       Bool,
    team            LowCardinality(String),
    session_id      String CODEC(ZSTD(1)),
    kind            Enum8('commit' = 1, 'pull_request_merged' = 2, 'edit_accepted' = 3, 'edit_rejected' = 4, 'lines_accepted' = 5, 'active_seconds' = 6),
    quantity        UInt64 CODEC(T64, ZSTD(1)),
    attributes      Map(LowCardinality(String), String),
    kafka_topic     LowCardinality(String),
    kafka_partition UInt32 CODEC(T64, ZSTD(1)),
    kafka_offset    UInt64 CODEC(Delta, ZSTD(1)),
    recorded_at     DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    ingested_at     DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX user_id_bloom user_id TYPE bloom_filter GRANULARITY 4,
    INDEX kafka_offset_range kafka_offset TYPE minmax GRANULARITY 4
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toDate(occurred_at)
ORDER BY (toStartOfMinute(occurred_at), user_id, occurred_at, source, event_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- A roll of it is a whole UTC day, whether the day is over or not: there are far fewer outcomes than model calls. So it has
-- heads of its own, and readers need no boundary.
CREATE TABLE IF NOT EXISTS outcomes_by_day
(
    day      Date,
    roll_id  UInt128,
    user_id  String CODEC(ZSTD(1)),
    team     LowCardinality(String),
    kind     Enum8('commit' = 1, 'pull_request_merged' = 2, 'edit_accepted' = 3, 'edit_rejected' = 4, 'lines_accepted' = 5, 'active_seconds' = 6),
    events   UInt64 CODEC(T64, ZSTD(1)),
    quantity UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, roll_id, user_id, team, kind);

ALTER TABLE roll_heads MODIFY COLUMN IF EXISTS grain Enum8('minute' = 1, 'hour' = 2, 'day' = 3, 'outcome_day' = 4);

-- Behind a view of its own, so that the snapshot of the rows is taken after that of the heads (see 0003).
CREATE OR REPLACE VIEW outcome_rolls AS SELECT * FROM outcomes_by_day;

-- Per user, team, kind and day.
CREATE OR REPLACE VIEW outcomes AS
SELECT day, user_id, team, kind, events, quantity
FROM outcome_rolls
WHERE (toDateTime(day, 'UTC'), roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'outcome_day' GROUP BY bucket);

-- Everybody's outcomes over the last 30 UTC days, today included; but for those who are hidden.
CREATE OR REPLACE VIEW outcomes_30d AS
SELECT
    user_id,
    sumIf(quantity, kind = 'commit') AS commits,
    sumIf(quantity, kind = 'pull_request_merged') AS pull_requests_merged,
    sumIf(quantity, kind = 'edit_accepted') AS edits_accepted,
    sumIf(quantity, kind = 'edit_rejected') AS edits_rejected,
    sumIf(quantity, kind = 'lines_accepted') AS lines_accepted,
    sumIf(quantity, kind = 'active_seconds') AS active_seconds
FROM outcomes
WHERE day > toDate(now('UTC')) - 30
  AND (user_id IN (SELECT user_id FROM hidden_exceptions)) = (SELECT hidden FROM people_default)
GROUP BY user_id
ORDER BY user_id;
