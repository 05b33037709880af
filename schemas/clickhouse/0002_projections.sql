-- Projections (roll-ups): pure functions of usage_events, recomputed a whole bucket at a time and never incremented.
-- A roll is one computation under a fresh roll_id; a bucket's head names the roll that readers take: the greatest.
--
-- roll_id = epoch * 2^112 + offset * 2^64 + milliseconds * 2^20 + random, where offset is the last announcement on
-- usage.stored.v1 that the roll covers. So heads compare as (epoch, offset, time of the attempt), and a stalled
-- twin's roll loses against any that knows more.
--
-- `counted` is what titles count: status ok and origin main or subagent.
--
-- cost_micro_usd is what was reported; list_cost_usd is what the tokens cost by model_prices, and cache_saving_usd what reads from
-- a cache have saved less what writes to it cost more. Both leave out unpriced_events: those with tokens of a class whose price is
-- not known. price_version is the greatest of the prices that were used.

-- List prices, in pico-US-dollars (1e-12 USD) per token. A row holds for its provider and model, as events name them, from its day
-- (UTC) until the next row's; of one day the greatest version, which is when it was written (ms since the epoch). NULL: not
-- known. long_*: of a call whose input is longer than long_above tokens. Rows are added and never changed, so that every
-- figure can be told by which price it came about.
CREATE TABLE IF NOT EXISTS model_prices
(
    provider            LowCardinality(String),
    model               LowCardinality(String),
    from_day            Date,
    version             UInt64,
    source              String,
    input               Nullable(UInt64),
    cache_read          Nullable(UInt64),
    cache_write_5m      Nullable(UInt64),
    cache_write_1h      Nullable(UInt64),
    cache_write         Nullable(UInt64),
    output              Nullable(UInt64),
    long_above          Nullable(UInt64),
    long_input          Nullable(UInt64),
    long_cache_read     Nullable(UInt64),
    long_cache_write_5m Nullable(UInt64),
    long_cache_write_1h Nullable(UInt64),
    long_cache_write    Nullable(UInt64),
    long_output         Nullable(UInt64)
)
ENGINE = ReplacingMergeTree
ORDER BY (provider, model, from_day, version, source);

-- Minutes of open hours only; a partition (an hour) is dropped some time after its hour was closed.
CREATE TABLE IF NOT EXISTS usage_by_minute
(
    minute                DateTime('UTC'),
    roll_id               UInt128,
    user_id               String CODEC(ZSTD(1)),
    session_id            String CODEC(ZSTD(1)),
    provider              LowCardinality(String),
    model                 LowCardinality(String),
    team                  LowCardinality(String),
    origin                Enum8('main' = 1, 'subagent' = 2, 'auxiliary' = 3, 'unknown' = 4),
    status                Enum8('ok' = 1, 'error' = 2, 'cancelled' = 3),
    events                UInt64 CODEC(T64, ZSTD(1)),
    input_tokens          UInt64 CODEC(T64, ZSTD(1)),
    cache_read_tokens     UInt64 CODEC(T64, ZSTD(1)),
    cache_write_5m_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_write_1h_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_write_tokens    UInt64 CODEC(T64, ZSTD(1)),
    output_tokens         UInt64 CODEC(T64, ZSTD(1)),
    reasoning_tokens      UInt64 CODEC(T64, ZSTD(1)),
    cost_micro_usd        UInt64 CODEC(T64, ZSTD(1)),
    list_cost_usd         Decimal(38, 12) CODEC(ZSTD(1)),
    cache_saving_usd      Decimal(38, 12) CODEC(ZSTD(1)),
    unpriced_events       UInt64 CODEC(T64, ZSTD(1)),
    price_version         UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toStartOfHour(minute)
ORDER BY (minute, roll_id, user_id, session_id, provider, model, team, origin, status);

CREATE TABLE IF NOT EXISTS usage_by_hour
(
    hour                  DateTime('UTC'),
    roll_id               UInt128,
    user_id               String CODEC(ZSTD(1)),
    provider              LowCardinality(String),
    model                 LowCardinality(String),
    team                  LowCardinality(String),
    origin                Enum8('main' = 1, 'subagent' = 2, 'auxiliary' = 3, 'unknown' = 4),
    status                Enum8('ok' = 1, 'error' = 2, 'cancelled' = 3),
    events                UInt64 CODEC(T64, ZSTD(1)),
    input_tokens          UInt64 CODEC(T64, ZSTD(1)),
    cache_read_tokens     UInt64 CODEC(T64, ZSTD(1)),
    cache_write_5m_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_write_1h_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_write_tokens    UInt64 CODEC(T64, ZSTD(1)),
    output_tokens         UInt64 CODEC(T64, ZSTD(1)),
    reasoning_tokens      UInt64 CODEC(T64, ZSTD(1)),
    cost_micro_usd        UInt64 CODEC(T64, ZSTD(1)),
    list_cost_usd         Decimal(38, 12) CODEC(ZSTD(1)),
    cache_saving_usd      Decimal(38, 12) CODEC(ZSTD(1)),
    unpriced_events       UInt64 CODEC(T64, ZSTD(1)),
    price_version         UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toDate(hour)
ORDER BY (hour, roll_id, user_id, provider, model, team, origin, status);

-- Days are rolled from the heads of their hours.
CREATE TABLE IF NOT EXISTS usage_by_day_user
(
    day                   Date,
    roll_id               UInt128,
    user_id               String CODEC(ZSTD(1)),
    team                  LowCardinality(String),
    counted               Bool,
    events                UInt64 CODEC(T64, ZSTD(1)),
    input_tokens          UInt64 CODEC(T64, ZSTD(1)),
    cache_read_tokens     UInt64 CODEC(T64, ZSTD(1)),
    cache_write_5m_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_write_1h_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_write_tokens    UInt64 CODEC(T64, ZSTD(1)),
    output_tokens         UInt64 CODEC(T64, ZSTD(1)),
    reasoning_tokens      UInt64 CODEC(T64, ZSTD(1)),
    cost_micro_usd        UInt64 CODEC(T64, ZSTD(1)),
    list_cost_usd         Decimal(38, 12) CODEC(ZSTD(1)),
    cache_saving_usd      Decimal(38, 12) CODEC(ZSTD(1)),
    unpriced_events       UInt64 CODEC(T64, ZSTD(1)),
    price_version         UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, roll_id, user_id, team, counted);

CREATE TABLE IF NOT EXISTS usage_by_day_model
(
    day                   Date,
    roll_id               UInt128,
    user_id               String CODEC(ZSTD(1)),
    provider              LowCardinality(String),
    model                 LowCardinality(String),
    counted               Bool,
    events                UInt64 CODEC(T64, ZSTD(1)),
    input_tokens          UInt64 CODEC(T64, ZSTD(1)),
    cache_read_tokens     UInt64 CODEC(T64, ZSTD(1)),
    cache_write_5m_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_write_1h_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_write_tokens    UInt64 CODEC(T64, ZSTD(1)),
    output_tokens         UInt64 CODEC(T64, ZSTD(1)),
    reasoning_tokens      UInt64 CODEC(T64, ZSTD(1)),
    cost_micro_usd        UInt64 CODEC(T64, ZSTD(1)),
    list_cost_usd         Decimal(38, 12) CODEC(ZSTD(1)),
    cache_saving_usd      Decimal(38, 12) CODEC(ZSTD(1)),
    unpriced_events       UInt64 CODEC(T64, ZSTD(1)),
    price_version         UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, roll_id, user_id, provider, model, counted);

-- Which minutes of an hour a session was active in, as bits (bit 0 is minute 0). Rolled with usage_by_hour, under the
-- same roll_id and head. active_minutes has the minutes with a main event of status ok; a session with counted events
-- but none of those has a row with 0.
CREATE TABLE IF NOT EXISTS session_minutes
(
    hour           DateTime('UTC'),
    roll_id        UInt128,
    user_id        String CODEC(ZSTD(1)),
    session_id     String CODEC(ZSTD(1)),
    active_minutes UInt64 CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toDate(hour)
ORDER BY (hour, roll_id, user_id, session_id);

CREATE TABLE IF NOT EXISTS roll_heads
(
    grain   Enum8('minute' = 1, 'hour' = 2, 'day' = 3),
    bucket  DateTime('UTC'),
    roll_id SimpleAggregateFunction(max, UInt128)
)
ENGINE = AggregatingMergeTree
ORDER BY (grain, bucket);

-- closed_before of a grain: every bucket before it is read from its own roll, those from it on from the finer grain.
CREATE TABLE IF NOT EXISTS closures
(
    grain         Enum8('hour' = 2, 'day' = 3),
    closed_before SimpleAggregateFunction(max, DateTime('UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY grain;
