-- What each check of `laurel audit` came to, one row for each check of an audit that ended: how much was found, not where, so that
-- nobody is named here. first_day is null where all days were compared. For people to look at; nothing rests on it.
CREATE TABLE IF NOT EXISTS audit_checks
(
    check     LowCardinality(String),
    ended_at  DateTime64(3, 'UTC'),
    first_day Nullable(Date),
    compared  String,
    finished  Bool,
    findings  Array(Tuple(code LowCardinality(String), severity LowCardinality(String), found UInt32, healed UInt32))
)
ENGINE = MergeTree
ORDER BY (check, ended_at);
