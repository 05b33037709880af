-- Rights for analysts on a ClickHouse server: to be run by an administrator in Laurel's database, after laurel migrate apply and
-- again after each upgrade, as a view that a migration replaces loses what is set here. Everything may be repeated.
--
--     clickhouse-client --database laurel --queries-file deploy/clickhouse/analysts.sql
--
-- Then, for each analyst or program:
--
--     CREATE USER grafana IDENTIFIED BY '…' DEFAULT ROLE laurel_analyst;
--
-- laurel_analyst and laurel_views belong to one database; where one server has several installations, rename them.

-- The views read for their definer, whom nobody can sign in as: so an analyst needs no right to what is behind them.
CREATE USER IF NOT EXISTS laurel_views IDENTIFIED WITH no_password HOST NONE;
GRANT SELECT ON * TO laurel_views;

ALTER TABLE company_usage_by_day MODIFY SQL SECURITY DEFINER DEFINER = laurel_views;
ALTER TABLE shown_model_usage_by_day MODIFY SQL SECURITY DEFINER DEFINER = laurel_views;
ALTER TABLE shown_session_activity MODIFY SQL SECURITY DEFINER DEFINER = laurel_views;
ALTER TABLE shown_usage MODIFY SQL SECURITY DEFINER DEFINER = laurel_views;
ALTER TABLE shown_usage_by_day MODIFY SQL SECURITY DEFINER DEFINER = laurel_views;
ALTER TABLE team_usage_by_day MODIFY SQL SECURITY DEFINER DEFINER = laurel_views;

-- readonly = 1: nothing is written, and no setting is changed but those that may be changed here, within their bounds. Grafana
-- sets max_execution_time with each query, so 1 alone would refuse it.
CREATE SETTINGS PROFILE IF NOT EXISTS laurel_analyst;
ALTER SETTINGS PROFILE laurel_analyst SETTINGS
    readonly = 1 CONST,
    max_result_rows = 100000 MIN 1 MAX 100000 CHANGEABLE_IN_READONLY,
    result_overflow_mode = 'throw' CONST,
    max_execution_time = 30 MIN 1 MAX 30 CHANGEABLE_IN_READONLY,
    timeout_overflow_mode = 'throw' CONST,
    max_memory_usage = 4000000000 CONST,
    max_bytes_before_external_group_by = 2000000000 CONST,
    max_bytes_before_external_sort = 2000000000 CONST,
    max_threads = 4 MIN 1 MAX 4 CHANGEABLE_IN_READONLY,
    max_concurrent_queries_for_user = 8 CONST,
    allow_introspection_functions = 0 CONST,
    allow_ddl = 0 CONST;

CREATE ROLE IF NOT EXISTS laurel_analyst;
ALTER ROLE laurel_analyst SETTINGS PROFILE 'laurel_analyst';

REVOKE ALL ON * FROM laurel_analyst;
GRANT SELECT ON company_usage_by_day TO laurel_analyst;
GRANT SELECT ON shown_model_usage_by_day TO laurel_analyst;
GRANT SELECT ON shown_session_activity TO laurel_analyst;
GRANT SELECT ON shown_usage TO laurel_analyst;
GRANT SELECT ON shown_usage_by_day TO laurel_analyst;
GRANT SELECT ON team_usage_by_day TO laurel_analyst;

-- Of each user, in any hour. A dashboard of 20 panels that is open all day, read every 30 seconds, asks 2,400 times.
CREATE QUOTA IF NOT EXISTS laurel_analyst;
ALTER QUOTA laurel_analyst KEYED BY user_name FOR INTERVAL 1 hour MAX queries = 5000, result_rows = 10000000, execution_time = 1800 TO laurel_analyst;
