-- How people chose to be shown, as far as queries need it: kept equal to people.profiles.v1 by usage-projector. No name and no
-- handle: those stay on the topic. The row of the empty user_id is the company's default, for everybody without a row.
-- version is twice the record's offset, so that a removal without a record fits between two of them.
CREATE TABLE IF NOT EXISTS people_choices
(
    user_id    String,
    visibility Enum8('name' = 1, 'handle' = 2, 'hidden' = 3),
    figures    Enum8('exact' = 1, 'rounded' = 2, 'bands' = 3),
    changed_at DateTime64(3, 'UTC'),
    removed    UInt8,
    version    UInt64
)
ENGINE = ReplacingMergeTree(version, removed)
ORDER BY user_id;

-- Whether whoever made no choice is hidden, and whether they are guarded: hidden, or not shown exactly.
CREATE OR REPLACE VIEW people_default AS
SELECT countIf(visibility = 'hidden') > 0 AS hidden, countIf(visibility = 'hidden' OR figures != 'exact') > 0 AS guarded
FROM people_choices FINAL
WHERE user_id = '';

-- Those who are otherwise than the default. A person is hidden when they are in hidden_exceptions, if the default is to
-- show, and when they are not in it, if the default is to hide; guarded likewise.
CREATE OR REPLACE VIEW hidden_exceptions AS
SELECT user_id FROM people_choices FINAL
WHERE user_id != '' AND (visibility = 'hidden') != (SELECT hidden FROM people_default);

CREATE OR REPLACE VIEW guarded_exceptions AS
SELECT user_id FROM people_choices FINAL
WHERE user_id != '' AND (visibility = 'hidden' OR figures != 'exact') != (SELECT guarded FROM people_default);

-- Everybody's figures over the last 30 UTC days, today included, whatever the status and origin; but for those who are hidden.
CREATE OR REPLACE VIEW leaderboard_30d AS
SELECT
    user_id,
    sum_input_tokens + sum_cache_read_tokens + sum_cache_write_5m_tokens + sum_cache_write_1h_tokens + sum_cache_write_tokens + sum_output_tokens AS total_tokens,
    sum_events AS events,
    sum_input_tokens AS input_tokens,
    sum_cache_read_tokens AS cache_read_tokens,
    sum_cache_write_5m_tokens AS cache_write_5m_tokens,
    sum_cache_write_1h_tokens AS cache_write_1h_tokens,
    sum_cache_write_tokens AS cache_write_tokens,
    sum_output_tokens AS output_tokens,
    sum_reasoning_tokens AS reasoning_tokens,
    sum_cost_micro_usd AS cost_micro_usd,
    sum_list_cost_usd AS list_cost_usd,
    sum_cache_saving_usd AS cache_saving_usd,
    sum_unpriced_events AS unpriced_events,
    max_price_version AS price_version
FROM
(
    SELECT
        user_id,
        sum(events) AS sum_events,
        sum(input_tokens) AS sum_input_tokens,
        sum(cache_read_tokens) AS sum_cache_read_tokens,
        sum(cache_write_5m_tokens) AS sum_cache_write_5m_tokens,
        sum(cache_write_1h_tokens) AS sum_cache_write_1h_tokens,
        sum(cache_write_tokens) AS sum_cache_write_tokens,
        sum(output_tokens) AS sum_output_tokens,
        sum(reasoning_tokens) AS sum_reasoning_tokens,
        sum(cost_micro_usd) AS sum_cost_micro_usd,
        sum(list_cost_usd) AS sum_list_cost_usd,
        sum(cache_saving_usd) AS sum_cache_saving_usd,
        sum(unpriced_events) AS sum_unpriced_events,
        max(price_version) AS max_price_version
    FROM usage_by_day
    WHERE day > toDate(now('UTC')) - 30
    GROUP BY user_id
)
WHERE (user_id IN (SELECT user_id FROM hidden_exceptions)) = (SELECT hidden FROM people_default)
ORDER BY total_tokens DESC, user_id;
