-- People who were erased, as SHA-256 of their pseudonym: no other table and no statement names them. Ingest leaves
-- their events out, every roll leaves out what is in usage_events of them, and the audit deletes it.
CREATE TABLE IF NOT EXISTS erasures
(
    user_hash FixedString(32),
    erased_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY user_hash;

-- What is acknowledged shall outlive a loss of power, not only of the process: Kafka's offset is committed after it. A
-- projection needs none of it, as it can be computed again, but the names of its rolls do: a head that outlived its roll
-- would hide the bucket. So the rolls are written through as well.
ALTER TABLE usage_events MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE ingest_ledger MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE erasures MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE usage_by_minute MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE usage_by_hour MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE usage_by_day_user MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE usage_by_day_model MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE session_minutes MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE roll_heads MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE closures MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
