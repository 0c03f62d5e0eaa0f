-- What is erased after the audit window.

CREATE TABLE erasures (
    round_id BYTEA PRIMARY KEY REFERENCES rounds,
    erased_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE erasures IS
'Rounds whose bodies, sealed seeds and proofs were erased after the audit window; append-only.';
COMMENT ON COLUMN erasures.round_id IS 'The round.';
COMMENT ON COLUMN erasures.erased_at IS 'When erasing began.';
