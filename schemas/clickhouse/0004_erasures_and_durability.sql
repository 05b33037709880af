-- People who were erased, as SHA-256 of their pseudonym: no other table and no statement names them. Ingest leaves
-- their events out, every roll leaves out what is in usage_events of them, and the audit deletes it.
CREATE TABLE IF NOT EXISTS erasures
(
    user_hash FixedString(32),
    erased_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY user_hash;

-- What is acknowledged shall outlive a loss of power, not only of the process: Kafka's offset is committed after it. The
-- projections go without, as fsync of each small part of each roll costs a multiple of the roll: after a loss of power they
-- are made again, by laurel rebuild --from events.
ALTER TABLE usage_events MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE ingest_ledger MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE model_prices MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE erasures MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
