-- What somebody found who has looked into a day that stands out. A rule of a title that leaves such days out takes one that counts by a
-- review as any other day. The latest review of a signal is the one that stands; none is ever deleted but for an erased person.
CREATE TABLE IF NOT EXISTS fair_play_reviews
(
    day         Date,
    user_id     String CODEC(ZSTD(1)),
    signal      LowCardinality(String),
    counts      Bool,
    reason      String,
    reviewed_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(reviewed_at)
ORDER BY (day, user_id, signal);

-- One row per person, day and signal; whether the day counts all the same, by a review.
CREATE OR REPLACE VIEW fair_play_flags AS
SELECT
    day, user_id, signal, evidence,
    toBool((day, user_id, signal) IN (SELECT day, user_id, signal FROM fair_play_reviews FINAL WHERE counts)) AS counts
FROM fair_play_rolls
WHERE (day, part, roll_id) IN (SELECT day, part, max(roll_id) FROM fair_play_heads GROUP BY day, part);
