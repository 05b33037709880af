-- What analysts may read, and nobody who is hidden. Each view is a whole: who reads these needs no other table. Rights to
-- them are in deploy/clickhouse/analysts.sql; docs/reference/sql.md is the reference.
--
-- A condition of the reader's may be computed before the view's own: on the rows of hidden people as well, and tell of them by
-- failing (toUInt64(user_id) quotes its text). So their rows are empty before they are left out: whoever looks at one sees the
-- time, the origin and the status, and nothing else. 0038 in docs/decisions.

-- usage, without hidden people. Rows are to be summed.
CREATE OR REPLACE VIEW shown_usage AS
SELECT
    hour,
    if(is_hidden, '', t.user_id) AS user_id,
    if(is_hidden, '', t.team) AS team,
    if(is_hidden, '', t.provider) AS provider,
    if(is_hidden, '', t.model) AS model,
    origin,
    status,
    if(is_hidden, 0, t.events) AS events,
    if(is_hidden, 0, t.input_tokens) AS input_tokens,
    if(is_hidden, 0, t.cache_read_tokens) AS cache_read_tokens,
    if(is_hidden, 0, t.cache_write_5m_tokens) AS cache_write_5m_tokens,
    if(is_hidden, 0, t.cache_write_1h_tokens) AS cache_write_1h_tokens,
    if(is_hidden, 0, t.cache_write_tokens) AS cache_write_tokens,
    if(is_hidden, 0, t.output_tokens) AS output_tokens,
    if(is_hidden, 0, t.reasoning_tokens) AS reasoning_tokens,
    if(is_hidden, 0, t.cost_micro_usd) AS cost_micro_usd,
    if(is_hidden, 0, t.list_cost_usd) AS list_cost_usd,
    if(is_hidden, 0, t.cache_saving_usd) AS cache_saving_usd,
    if(is_hidden, 0, t.unpriced_events) AS unpriced_events,
    if(is_hidden, 0, t.price_version) AS price_version
FROM (SELECT *, (user_id IN (SELECT user_id FROM hidden_exceptions)) != (SELECT hidden FROM people_default) AS is_hidden FROM usage) AS t
WHERE NOT is_hidden;

-- usage_by_day, likewise.
CREATE OR REPLACE VIEW shown_usage_by_day AS
SELECT
    day,
    if(is_hidden, '', t.user_id) AS user_id,
    if(is_hidden, '', t.team) AS team,
    counted,
    if(is_hidden, 0, t.events) AS events,
    if(is_hidden, 0, t.input_tokens) AS input_tokens,
    if(is_hidden, 0, t.cache_read_tokens) AS cache_read_tokens,
    if(is_hidden, 0, t.cache_write_5m_tokens) AS cache_write_5m_tokens,
    if(is_hidden, 0, t.cache_write_1h_tokens) AS cache_write_1h_tokens,
    if(is_hidden, 0, t.cache_write_tokens) AS cache_write_tokens,
    if(is_hidden, 0, t.output_tokens) AS output_tokens,
    if(is_hidden, 0, t.reasoning_tokens) AS reasoning_tokens,
    if(is_hidden, 0, t.cost_micro_usd) AS cost_micro_usd,
    if(is_hidden, 0, t.list_cost_usd) AS list_cost_usd,
    if(is_hidden, 0, t.cache_saving_usd) AS cache_saving_usd,
    if(is_hidden, 0, t.unpriced_events) AS unpriced_events,
    if(is_hidden, 0, t.price_version) AS price_version
FROM (SELECT *, (user_id IN (SELECT user_id FROM hidden_exceptions)) != (SELECT hidden FROM people_default) AS is_hidden FROM usage_by_day) AS t
WHERE NOT is_hidden;

-- model_usage_by_day, likewise.
CREATE OR REPLACE VIEW shown_model_usage_by_day AS
SELECT
    day,
    if(is_hidden, '', t.user_id) AS user_id,
    if(is_hidden, '', t.provider) AS provider,
    if(is_hidden, '', t.model) AS model,
    counted,
    if(is_hidden, 0, t.events) AS events,
    if(is_hidden, 0, t.input_tokens) AS input_tokens,
    if(is_hidden, 0, t.cache_read_tokens) AS cache_read_tokens,
    if(is_hidden, 0, t.cache_write_5m_tokens) AS cache_write_5m_tokens,
    if(is_hidden, 0, t.cache_write_1h_tokens) AS cache_write_1h_tokens,
    if(is_hidden, 0, t.cache_write_tokens) AS cache_write_tokens,
    if(is_hidden, 0, t.output_tokens) AS output_tokens,
    if(is_hidden, 0, t.reasoning_tokens) AS reasoning_tokens,
    if(is_hidden, 0, t.cost_micro_usd) AS cost_micro_usd,
    if(is_hidden, 0, t.list_cost_usd) AS list_cost_usd,
    if(is_hidden, 0, t.cache_saving_usd) AS cache_saving_usd,
    if(is_hidden, 0, t.unpriced_events) AS unpriced_events,
    if(is_hidden, 0, t.price_version) AS price_version
FROM (SELECT *, (user_id IN (SELECT user_id FROM hidden_exceptions)) != (SELECT hidden FROM people_default) AS is_hidden FROM model_usage_by_day) AS t
WHERE NOT is_hidden;

-- session_activity, likewise: to be joined with groupBitOr.
CREATE OR REPLACE VIEW shown_session_activity AS
SELECT
    hour,
    if(is_hidden, '', t.user_id) AS user_id,
    if(is_hidden, '', t.session_id) AS session_id,
    if(is_hidden, 0, t.active_minutes) AS active_minutes
FROM (SELECT *, (user_id IN (SELECT user_id FROM hidden_exceptions)) != (SELECT hidden FROM people_default) AS is_hidden FROM session_activity) AS t
WHERE NOT is_hidden;

-- Teams by day, without hidden people: of a team those days on which at least five used it, as the API shows teams. One row each.
CREATE OR REPLACE VIEW team_usage_by_day AS
SELECT
    day,
    team,
    uniqExact(t.user_id) AS people,
    sum(t.events) AS events,
    sum(t.input_tokens) AS input_tokens,
    sum(t.cache_read_tokens) AS cache_read_tokens,
    sum(t.cache_write_5m_tokens) AS cache_write_5m_tokens,
    sum(t.cache_write_1h_tokens) AS cache_write_1h_tokens,
    sum(t.cache_write_tokens) AS cache_write_tokens,
    sum(t.output_tokens) AS output_tokens,
    sum(t.reasoning_tokens) AS reasoning_tokens,
    sum(t.cost_micro_usd) AS cost_micro_usd,
    sum(t.list_cost_usd) AS list_cost_usd,
    sum(t.cache_saving_usd) AS cache_saving_usd,
    sum(t.unpriced_events) AS unpriced_events,
    max(t.price_version) AS price_version
FROM shown_usage_by_day AS t
WHERE team != ''
GROUP BY day, team
HAVING people >= 5;

-- The company by day and model, naming nobody. One row each.
--
-- A row less what shown_model_usage_by_day has of it is the use of hidden people. So it counts them only where they are at least
-- five, and once the day is over, as else each call of theirs could be told from the sum before. counts_everybody says whether
-- nobody was left out. No other view counts hidden people: of two such groupings one less the other could be one person.
CREATE OR REPLACE VIEW company_usage_by_day AS
SELECT
    day,
    provider,
    model,
    counted,
    hidden_people = 0 OR counts_hidden AS counts_everybody,
    if(counts_hidden, all_people, shown_people) AS people,
    if(counts_hidden, all_events, shown_events) AS events,
    if(counts_hidden, all_input_tokens, shown_input_tokens) AS input_tokens,
    if(counts_hidden, all_cache_read_tokens, shown_cache_read_tokens) AS cache_read_tokens,
    if(counts_hidden, all_cache_write_5m_tokens, shown_cache_write_5m_tokens) AS cache_write_5m_tokens,
    if(counts_hidden, all_cache_write_1h_tokens, shown_cache_write_1h_tokens) AS cache_write_1h_tokens,
    if(counts_hidden, all_cache_write_tokens, shown_cache_write_tokens) AS cache_write_tokens,
    if(counts_hidden, all_output_tokens, shown_output_tokens) AS output_tokens,
    if(counts_hidden, all_reasoning_tokens, shown_reasoning_tokens) AS reasoning_tokens,
    if(counts_hidden, all_cost_micro_usd, shown_cost_micro_usd) AS cost_micro_usd,
    if(counts_hidden, all_list_cost_usd, shown_list_cost_usd) AS list_cost_usd,
    if(counts_hidden, all_cache_saving_usd, shown_cache_saving_usd) AS cache_saving_usd,
    if(counts_hidden, all_unpriced_events, shown_unpriced_events) AS unpriced_events,
    if(counts_hidden, all_price_version, shown_price_version) AS price_version
FROM
(
    SELECT
        day, provider, model, counted,
        uniqExactIf(t.user_id, is_hidden) AS hidden_people,
        hidden_people >= 5 AND day < toDate(now('UTC')) AS counts_hidden,
        uniqExact(t.user_id) AS all_people,
        uniqExactIf(t.user_id, NOT is_hidden) AS shown_people,
        sum(t.events) AS all_events,
        sumIf(t.events, NOT is_hidden) AS shown_events,
        sum(t.input_tokens) AS all_input_tokens,
        sumIf(t.input_tokens, NOT is_hidden) AS shown_input_tokens,
        sum(t.cache_read_tokens) AS all_cache_read_tokens,
        sumIf(t.cache_read_tokens, NOT is_hidden) AS shown_cache_read_tokens,
        sum(t.cache_write_5m_tokens) AS all_cache_write_5m_tokens,
        sumIf(t.cache_write_5m_tokens, NOT is_hidden) AS shown_cache_write_5m_tokens,
        sum(t.cache_write_1h_tokens) AS all_cache_write_1h_tokens,
        sumIf(t.cache_write_1h_tokens, NOT is_hidden) AS shown_cache_write_1h_tokens,
        sum(t.cache_write_tokens) AS all_cache_write_tokens,
        sumIf(t.cache_write_tokens, NOT is_hidden) AS shown_cache_write_tokens,
        sum(t.output_tokens) AS all_output_tokens,
        sumIf(t.output_tokens, NOT is_hidden) AS shown_output_tokens,
        sum(t.reasoning_tokens) AS all_reasoning_tokens,
        sumIf(t.reasoning_tokens, NOT is_hidden) AS shown_reasoning_tokens,
        sum(t.cost_micro_usd) AS all_cost_micro_usd,
        sumIf(t.cost_micro_usd, NOT is_hidden) AS shown_cost_micro_usd,
        sum(t.list_cost_usd) AS all_list_cost_usd,
        sumIf(t.list_cost_usd, NOT is_hidden) AS shown_list_cost_usd,
        sum(t.cache_saving_usd) AS all_cache_saving_usd,
        sumIf(t.cache_saving_usd, NOT is_hidden) AS shown_cache_saving_usd,
        sum(t.unpriced_events) AS all_unpriced_events,
        sumIf(t.unpriced_events, NOT is_hidden) AS shown_unpriced_events,
        max(t.price_version) AS all_price_version,
        maxIf(t.price_version, NOT is_hidden) AS shown_price_version
    FROM (SELECT *, (user_id IN (SELECT user_id FROM hidden_exceptions)) != (SELECT hidden FROM people_default) AS is_hidden FROM model_usage_by_day) AS t
    GROUP BY day, provider, model, counted
)
WHERE people > 0;
