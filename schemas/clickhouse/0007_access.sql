-- Tokens of programs that ask the API: what was given is a random secret, of which only the hash is here. A later row of the same
-- token revokes it. Losing the table refuses everybody who has one.
CREATE TABLE IF NOT EXISTS api_tokens
(
    token_id    String,
    name        String,
    scopes      Array(String),
    secret_hash String,
    created_at  DateTime64(3, 'UTC'),
    expires_at  DateTime64(3, 'UTC'),
    revoked_at  Nullable(DateTime64(3, 'UTC')),
    version     UInt8
)
ENGINE = ReplacingMergeTree(version)
ORDER BY token_id;

-- Who looked at whose figures, or took a table of them. user_id is whose they are, empty for a table; reader is a pseudonym, or
-- token:<id>. Kept for 400 days.
CREATE TABLE IF NOT EXISTS access_log
(
    at         DateTime64(3, 'UTC'),
    action     Enum8('look' = 1, 'export' = 2),
    user_id    String,
    reader     String,
    operation  LowCardinality(String),
    parameters String,
    request_id String
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (user_id, at)
TTL toDateTime(at) + INTERVAL 400 DAY;
