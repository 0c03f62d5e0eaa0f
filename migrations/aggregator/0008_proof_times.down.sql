-- Undoes 0008_proof_times.up.sql.
ALTER TABLE contributions DROP COLUMN proof_time_us;
