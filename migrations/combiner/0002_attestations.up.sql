-- What this combiner attested, and how often it refused. New tables only: no locks on existing ones.

CREATE TABLE attestations (
    round_hash BYTEA NOT NULL REFERENCES rounds,
    header_hash BYTEA NOT NULL CHECK (octet_length(header_hash) = 32),
    subject TEXT COLLATE "C" NOT NULL,
    header BYTEA NOT NULL,
    sealed_seeds BYTEA NOT NULL,
    attestation BYTEA NOT NULL,
    attested_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_hash, header_hash)
);
COMMENT ON TABLE attestations IS 'Contributions whose key share is good; only these can be in a released set. Append-only.';
COMMENT ON COLUMN attestations.round_hash IS 'The round: an attestation counts in no other.';
COMMENT ON COLUMN attestations.header_hash IS 'Hash of the header, by which a set names its members.';
COMMENT ON COLUMN attestations.subject IS 'The participant, by whom contributions are counted: keys change, the subject does not.';
COMMENT ON COLUMN attestations.header IS 'The signed header, canonical encoding.';
COMMENT ON COLUMN attestations.sealed_seeds IS
'The seeds, still sealed: opened again for the release, and worthless once the round''s key is destroyed.';
COMMENT ON COLUMN attestations.attestation IS 'What was answered; asking again gives the same.';
COMMENT ON COLUMN attestations.attested_at IS 'When.';
CREATE INDEX attestations_by_subject ON attestations (round_hash, subject);
CREATE TRIGGER attestations_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON attestations
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE refusals (
    round_hash BYTEA NOT NULL REFERENCES rounds,
    reason TEXT NOT NULL,
    count BIGINT NOT NULL CHECK (count > 0),
    last_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_hash, reason)
);
COMMENT ON TABLE refusals IS
'How often contributions were refused. Counted and not kept, so that worthless messages cannot fill the database.';
COMMENT ON COLUMN refusals.round_hash IS 'The round.';
COMMENT ON COLUMN refusals.reason IS 'Code of the problem.';
COMMENT ON COLUMN refusals.count IS 'How often, repetitions included.';
COMMENT ON COLUMN refusals.last_at IS 'When last, to tell an old misunderstanding from a present one.';
