-- In which hours of a day somebody was there themselves: an agent that is left alone goes on using tokens, and nobody asks anything.
--
-- session_minutes has rows with an empty session_id from here on, of counted events outside of any session: a person's own minutes of
-- an hour are the bits of all their rows, joined.

-- By user and UTC day, an entry for each of its hours with counted events: the hour (0 to 23), the tokens of all of them, and how
-- many minutes of the hour have a main event of status ok. Rolled with usage_by_day_user, under the same roll_id and head.
CREATE TABLE IF NOT EXISTS attendance_by_day
(
    day         Date,
    roll_id     UInt128,
    user_id     String CODEC(ZSTD(1)),
    hours       Array(UInt8) CODEC(ZSTD(1)),
    tokens      Array(UInt64) CODEC(T64, ZSTD(1)),
    own_minutes Array(UInt8) CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, roll_id, user_id);

CREATE OR REPLACE VIEW attendance_rolls AS SELECT * FROM attendance_by_day;

-- Rows of one user and day are of different hours. The rows of an open hour stand for themselves.
CREATE OR REPLACE VIEW attendance AS
WITH (SELECT (maxIf(closed_before, grain = 'day'), maxIf(closed_before, grain = 'hour')) FROM closures) AS boundaries
SELECT day, user_id, hours, tokens, own_minutes
FROM attendance_rolls
WHERE day < toDate(boundaries.1) AND (toDateTime(day, 'UTC'), roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'day' GROUP BY bucket)
UNION ALL
SELECT
    toDate(hour) AS day, user_id,
    [toUInt8(toHour(hour))] AS hours,
    [sum(hour_tokens)] AS tokens,
    [toUInt8(bitCount(groupBitOr(hour_minutes)))] AS own_minutes
FROM
(
    SELECT
        hour, roll_id, user_id, toUInt64(0) AS hour_minutes,
        input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens + cache_write_tokens + output_tokens AS hour_tokens
    FROM hour_rolls
    WHERE status = 'ok' AND origin IN ('main', 'subagent')
    UNION ALL
    SELECT hour, roll_id, user_id, active_minutes AS hour_minutes, toUInt64(0) AS hour_tokens FROM session_rolls
)
WHERE hour >= boundaries.1 AND hour < boundaries.2 AND (hour, roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'hour' GROUP BY bucket)
GROUP BY hour, user_id
UNION ALL
SELECT
    toDate(minute_hour) AS day, user_id,
    [toUInt8(toHour(minute_hour))] AS hours,
    [sum(minute_tokens)] AS tokens,
    [toUInt8(bitCount(groupBitOr(minute_bit)))] AS own_minutes
FROM
(
    SELECT
        toStartOfHour(minute) AS minute_hour, user_id,
        if(origin = 'main', bitShiftLeft(toUInt64(1), toMinute(minute)), 0) AS minute_bit,
        input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens + cache_write_tokens + output_tokens AS minute_tokens
    FROM minute_rolls
    WHERE minute >= boundaries.2 AND status = 'ok' AND origin IN ('main', 'subagent')
      AND (minute, roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'minute' GROUP BY bucket)
)
GROUP BY minute_hour, user_id;

-- As before, without what is outside of any session, and of one session and hour one row.
CREATE OR REPLACE VIEW session_activity AS
WITH (SELECT max(closed_before) FROM closures WHERE grain = 'hour') AS hours_closed_before
SELECT hour, user_id, session_id, active_minutes
FROM session_rolls
WHERE hour < hours_closed_before AND session_id != '' AND (hour, roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'hour' GROUP BY bucket)
UNION ALL
SELECT
    toStartOfHour(minute) AS hour, user_id, session_id,
    groupBitOr(if(origin = 'main', bitShiftLeft(toUInt64(1), toMinute(minute)), 0)) AS active_minutes
FROM minute_rolls
WHERE minute >= hours_closed_before AND session_id != '' AND status = 'ok' AND origin IN ('main', 'subagent')
  AND (minute, roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'minute' GROUP BY bucket)
GROUP BY hour, user_id, session_id;
