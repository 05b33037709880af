-- Signals of fair play: people's UTC days that stand out, see docs/reference/fair-play.md. Kept apart from all figures, and no verdict.
-- A projection like the others: a pure function of the deduplicated log, computed for a closed day, a part of the signals at a time.
--
-- Parts differ in what they rest on: 'hours' and 'days' on the rolls of the day (and of the day before), 'history' on those of four weeks
-- before too, 'log' on usage_events.
CREATE TABLE IF NOT EXISTS fair_play_signals
(
    day      Date,
    part     Enum8('hours' = 1, 'days' = 2, 'history' = 3, 'log' = 4),
    roll_id  UInt128,
    user_id  String CODEC(ZSTD(1)),
    signal   LowCardinality(String),
    evidence Map(LowCardinality(String), String)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, part, roll_id, user_id, signal);

-- Which roll of a part of a day's signals readers take: the greatest. rests_on is a checksum of the day heads that were there before it
-- was computed: while it is that of the present ones, nothing is to be computed again.
CREATE TABLE IF NOT EXISTS fair_play_heads
(
    day      Date,
    part     Enum8('hours' = 1, 'days' = 2, 'history' = 3, 'log' = 4),
    roll_id  UInt128,
    rests_on String
)
ENGINE = ReplacingMergeTree(roll_id)
ORDER BY (day, part);

CREATE OR REPLACE VIEW fair_play_rolls AS SELECT * FROM fair_play_signals;

-- One row per person, day and signal.
CREATE OR REPLACE VIEW fair_play_flags AS
SELECT day, user_id, signal, evidence
FROM fair_play_rolls
WHERE (day, part, roll_id) IN (SELECT day, part, max(roll_id) FROM fair_play_heads GROUP BY day, part);
