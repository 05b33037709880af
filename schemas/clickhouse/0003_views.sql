-- What analysts read: closed buckets from their rolls, open ones from the finer grain. The boundary is read once in a
-- query, as one scalar, and before the heads; heads name only rolls that are there.
--
-- ClickHouse takes its snapshot of a table's parts when it analyses the FROM clause that names it, which is before the
-- scalars and subqueries of the same SELECT: a head could name a roll that came after the snapshot of the rows, and the
-- bucket would be missing. What lies behind a view is analysed after the whole query around it, so the rows are read
-- through views of their own, and the order is: boundary, heads, rows.
CREATE OR REPLACE VIEW minute_rolls AS SELECT * FROM usage_by_minute;
CREATE OR REPLACE VIEW hour_rolls AS SELECT * FROM usage_by_hour;
CREATE OR REPLACE VIEW session_rolls AS SELECT * FROM session_minutes;
CREATE OR REPLACE VIEW day_user_rolls AS SELECT * FROM usage_by_day_user;
CREATE OR REPLACE VIEW day_model_rolls AS SELECT * FROM usage_by_day_model;

-- One row per hour and every dimension; the measures are sums and may stand in several rows of one hour: sum them.
CREATE OR REPLACE VIEW usage AS
WITH (SELECT max(closed_before) FROM closures WHERE grain = 'hour') AS hours_closed_before
SELECT
    hour, user_id, team, provider, model, origin, status,
    events,
    input_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    cache_write_tokens,
    output_tokens,
    reasoning_tokens,
    cost_micro_usd,
    list_cost_usd,
    cache_saving_usd,
    unpriced_events,
    price_version
FROM hour_rolls
WHERE hour < hours_closed_before AND (hour, roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'hour' GROUP BY bucket)
UNION ALL
SELECT
    toStartOfHour(minute) AS hour, user_id, team, provider, model, origin, status,
    events,
    input_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    cache_write_tokens,
    output_tokens,
    reasoning_tokens,
    cost_micro_usd,
    list_cost_usd,
    cache_saving_usd,
    unpriced_events,
    price_version
FROM minute_rolls
WHERE minute >= hours_closed_before AND (minute, roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'minute' GROUP BY bucket);

-- Per user and day. Rows of one user and day are to be summed.
CREATE OR REPLACE VIEW usage_by_day AS
WITH (SELECT (maxIf(closed_before, grain = 'day'), maxIf(closed_before, grain = 'hour')) FROM closures) AS boundaries
SELECT
    day, user_id, team, counted,
    events,
    input_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    cache_write_tokens,
    output_tokens,
    reasoning_tokens,
    cost_micro_usd,
    list_cost_usd,
    cache_saving_usd,
    unpriced_events,
    price_version
FROM day_user_rolls
WHERE day < toDate(boundaries.1) AND (toDateTime(day, 'UTC'), roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'day' GROUP BY bucket)
UNION ALL
SELECT
    toDate(hour) AS day, user_id, team, status = 'ok' AND origin IN ('main', 'subagent') AS counted,
    events,
    input_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    cache_write_tokens,
    output_tokens,
    reasoning_tokens,
    cost_micro_usd,
    list_cost_usd,
    cache_saving_usd,
    unpriced_events,
    price_version
FROM hour_rolls
WHERE hour >= boundaries.1 AND hour < boundaries.2 AND (hour, roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'hour' GROUP BY bucket)
UNION ALL
SELECT
    toDate(minute) AS day, user_id, team, status = 'ok' AND origin IN ('main', 'subagent') AS counted,
    events,
    input_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    cache_write_tokens,
    output_tokens,
    reasoning_tokens,
    cost_micro_usd,
    list_cost_usd,
    cache_saving_usd,
    unpriced_events,
    price_version
FROM minute_rolls
WHERE minute >= boundaries.2 AND (minute, roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'minute' GROUP BY bucket);

-- Per user, model and day. Rows of one user, model and day are to be summed.
CREATE OR REPLACE VIEW model_usage_by_day AS
WITH (SELECT (maxIf(closed_before, grain = 'day'), maxIf(closed_before, grain = 'hour')) FROM closures) AS boundaries
SELECT
    day, user_id, provider, model, counted,
    events,
    input_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    cache_write_tokens,
    output_tokens,
    reasoning_tokens,
    cost_micro_usd,
    list_cost_usd,
    cache_saving_usd,
    unpriced_events,
    price_version
FROM day_model_rolls
WHERE day < toDate(boundaries.1) AND (toDateTime(day, 'UTC'), roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'day' GROUP BY bucket)
UNION ALL
SELECT
    toDate(hour) AS day, user_id, provider, model, status = 'ok' AND origin IN ('main', 'subagent') AS counted,
    events,
    input_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    cache_write_tokens,
    output_tokens,
    reasoning_tokens,
    cost_micro_usd,
    list_cost_usd,
    cache_saving_usd,
    unpriced_events,
    price_version
FROM hour_rolls
WHERE hour >= boundaries.1 AND hour < boundaries.2 AND (hour, roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'hour' GROUP BY bucket)
UNION ALL
SELECT
    toDate(minute) AS day, user_id, provider, model, status = 'ok' AND origin IN ('main', 'subagent') AS counted,
    events,
    input_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    cache_write_tokens,
    output_tokens,
    reasoning_tokens,
    cost_micro_usd,
    list_cost_usd,
    cache_saving_usd,
    unpriced_events,
    price_version
FROM minute_rolls
WHERE minute >= boundaries.2 AND (minute, roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'minute' GROUP BY bucket);

-- Active minutes per session and hour, as bits; rows of one session and hour are to be joined with groupBitOr.
CREATE OR REPLACE VIEW session_activity AS
WITH (SELECT max(closed_before) FROM closures WHERE grain = 'hour') AS hours_closed_before
SELECT hour, user_id, session_id, active_minutes
FROM session_rolls
WHERE hour < hours_closed_before AND (hour, roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'hour' GROUP BY bucket)
UNION ALL
SELECT
    toStartOfHour(minute) AS hour, user_id, session_id,
    if(origin = 'main', bitShiftLeft(toUInt64(1), toMinute(minute)), 0) AS active_minutes
FROM minute_rolls
WHERE minute >= hours_closed_before AND session_id != '' AND status = 'ok' AND origin IN ('main', 'subagent')
  AND (minute, roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'minute' GROUP BY bucket);

-- Everybody's figures over the last 30 UTC days, today included, whatever the status and origin.
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
ORDER BY total_tokens DESC, user_id;

-- Each model's part in the last 30 UTC days.
CREATE OR REPLACE VIEW model_mix AS
SELECT
    provider, model,
    users,
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
        provider, model,
        uniqExact(user_id) AS users,
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
    FROM model_usage_by_day
    WHERE day > toDate(now('UTC')) - 30
    GROUP BY provider, model
)
ORDER BY total_tokens DESC, provider, model;
