-- A person's days lie together once more, beside the order in which they are rolled: whoever asks for some people, as a person's own
-- page and a title that is judged anew do, reads theirs and not everybody's.

-- The sessions of a closed day lie in one row a person too, in lists that are equally long, by id and hour: the session, the hour
-- (0 to 23), and in which of its minutes it was active, as session_minutes has them. Rolls of days from before have none: a rebuild
-- makes them anew.
ALTER TABLE attendance_by_day ADD COLUMN IF NOT EXISTS session_ids Array(String) CODEC(ZSTD(1));
ALTER TABLE attendance_by_day ADD COLUMN IF NOT EXISTS session_hours Array(UInt8) CODEC(ZSTD(1));
ALTER TABLE attendance_by_day ADD COLUMN IF NOT EXISTS session_active_minutes Array(UInt64) CODEC(ZSTD(1));

CREATE OR REPLACE VIEW attendance_rolls AS SELECT * FROM attendance_by_day;

-- As before, with the day; of closed days from their rolls. By the function arrayJoin, as the server mixes up two ARRAY JOIN clauses of
-- one query, this one's and a reader's.
CREATE OR REPLACE VIEW session_activity AS
WITH (SELECT (maxIf(closed_before, grain = 'day'), maxIf(closed_before, grain = 'hour')) FROM closures) AS boundaries
SELECT day, toDateTime(day, 'UTC') + one.2 * 3600 AS hour, user_id, one.1 AS session_id, one.3 AS active_minutes
FROM
(
    SELECT day, user_id, arrayJoin(arrayZip(session_ids, session_hours, session_active_minutes)) AS one
    FROM attendance_rolls
    WHERE day < toDate(boundaries.1) AND (toDateTime(day, 'UTC'), roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'day' GROUP BY bucket)
)
UNION ALL
SELECT toDate(hour) AS day, hour, user_id, session_id, active_minutes
FROM session_rolls
WHERE hour >= boundaries.1 AND hour < boundaries.2 AND session_id != '' AND (hour, roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'hour' GROUP BY bucket)
UNION ALL
SELECT
    toDate(minute) AS day, toStartOfHour(minute) AS hour, user_id, session_id,
    groupBitOr(if(origin = 'main', bitShiftLeft(toUInt64(1), toMinute(minute)), 0)) AS active_minutes
FROM minute_rolls
WHERE minute >= boundaries.2 AND session_id != '' AND status = 'ok' AND origin IN ('main', 'subagent')
  AND (minute, roll_id) IN (SELECT bucket, max(roll_id) FROM roll_heads WHERE grain = 'minute' GROUP BY bucket)
GROUP BY day, hour, user_id, session_id;

-- Likewise for analysts.
CREATE OR REPLACE VIEW shown_session_activity AS
SELECT
    day,
    hour,
    if(is_hidden, '', t.user_id) AS user_id,
    if(is_hidden, '', t.session_id) AS session_id,
    if(is_hidden, 0, t.active_minutes) AS active_minutes
FROM (SELECT *, (user_id IN (SELECT user_id FROM hidden_exceptions)) != (SELECT hidden FROM people_default) AS is_hidden FROM session_activity) AS t
WHERE NOT is_hidden;

-- A person has some tens of rows in a month, so that granules are small. Rows that are deleted (see the sweep) go from there too, which
-- is done by sorting the part anew.
ALTER TABLE usage_by_day_user MODIFY SETTING lightweight_mutation_projection_mode = 'rebuild';
ALTER TABLE usage_by_day_user ADD PROJECTION IF NOT EXISTS by_user (SELECT * ORDER BY user_id, day) WITH SETTINGS (index_granularity = 128);
ALTER TABLE usage_by_day_model MODIFY SETTING lightweight_mutation_projection_mode = 'rebuild';
ALTER TABLE usage_by_day_model ADD PROJECTION IF NOT EXISTS by_user (SELECT * ORDER BY user_id, day) WITH SETTINGS (index_granularity = 128);
ALTER TABLE attendance_by_day MODIFY SETTING lightweight_mutation_projection_mode = 'rebuild';
ALTER TABLE attendance_by_day ADD PROJECTION IF NOT EXISTS by_user (SELECT * ORDER BY user_id, day) WITH SETTINGS (index_granularity = 128);
ALTER TABLE outcomes_by_day MODIFY SETTING lightweight_mutation_projection_mode = 'rebuild';
ALTER TABLE outcomes_by_day ADD PROJECTION IF NOT EXISTS by_user (SELECT * ORDER BY user_id, day) WITH SETTINGS (index_granularity = 128);

-- What is there already follows in the background.
ALTER TABLE usage_by_day_user MATERIALIZE PROJECTION by_user;
ALTER TABLE usage_by_day_model MATERIALIZE PROJECTION by_user;
ALTER TABLE attendance_by_day MATERIALIZE PROJECTION by_user;
ALTER TABLE outcomes_by_day MATERIALIZE PROJECTION by_user;
