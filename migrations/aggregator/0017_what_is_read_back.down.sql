-- An exclusive lock of each table for a moment.

ALTER TABLE sum_chunks DROP COLUMN folded_digest;
ALTER TABLE contributions DROP COLUMN chunk_digests;
