-- What verifying norm proofs costs. One nullable column: a brief exclusive lock, no rewrite.

ALTER TABLE contributions ADD COLUMN proof_time_us BIGINT CHECK (proof_time_us >= 0);
COMMENT ON COLUMN contributions.proof_time_us
IS 'Microseconds that were spent on verifying the norm proof; null where none was verified.';
