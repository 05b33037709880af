-- Of an open minute nearly all rolls are superseded within a second or two, and its hour is dropped soon after it was closed. Merging
-- those rows costs more than writing them did, and spares readers little, who find a roll by the primary key. So merges only keep
-- the number of parts down.
ALTER TABLE usage_by_minute MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 16777216;
