-- What this combiner attested, and how often it refused.

CREATE TABLE attestations (
    round_hash BYTEA NOT NULL REFERENCES rounds,
    header_hash BYTEA NOT NULL CHECK (octet_length(header_hash) = 32),
    subject TEXT COLLATE "C" NOT NULL,
    commitment BYTEA NOT NULL CHECK (octet_length(commitment) = 32),
    header BYTEA NOT NULL,
    sealed_seeds BYTEA NOT NULL,
    attestation BYTEA NOT NULL,
    attested_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_hash, header_hash),
    UNIQUE (round_hash, commitment)
);
COMMENT ON TABLE attestations IS
'Contributions whose key share is good; append-only. A set may have no other members.';
COMMENT ON COLUMN attestations.round_hash IS 'The round. An attestation counts in no other round.';
COMMENT ON COLUMN attestations.header_hash IS
'Hash of the header, by which a set names its members.';
COMMENT ON COLUMN attestations.subject IS
'The participant. Contributions are counted by subject, because keys change and the subject does '
'not.';
COMMENT ON COLUMN attestations.commitment IS
'The commitment to this combiner''s share of the mask key. No two contributions of a round have the '
'same one.';
COMMENT ON COLUMN attestations.header IS 'The signed header, canonical encoding.';
COMMENT ON COLUMN attestations.sealed_seeds IS
'The sealed seeds. They are opened again for the release, and are worthless once the round key is '
'destroyed.';
COMMENT ON COLUMN attestations.attestation IS
'The signed attestation, canonical encoding. A repeated request gets the same one.';
COMMENT ON COLUMN attestations.attested_at IS 'When it was signed.';
CREATE INDEX attestations_by_subject ON attestations (round_hash, subject);

CREATE TABLE receipts (
    round_hash BYTEA NOT NULL CHECK (octet_length(round_hash) = 32),
    header_hash BYTEA NOT NULL CHECK (octet_length(header_hash) = 32),
    subject TEXT COLLATE "C" NOT NULL,
    weight BIGINT NOT NULL CHECK (weight BETWEEN 0 AND 4294967295),
    sealed_digest BYTEA NOT NULL CHECK (octet_length(sealed_digest) = 32),
    received_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_hash, header_hash)
);
COMMENT ON TABLE receipts IS
'Contributions for which a participant handed over the aggregator''s receipt; append-only. A set that '
'leaves too many of them out is not released. The table names a round without a foreign key, since '
'that would lock the round, and anybody may hand over a receipt.';
COMMENT ON COLUMN receipts.round_hash IS 'The round.';
COMMENT ON COLUMN receipts.header_hash IS 'Hash of the header that the receipt names.';
COMMENT ON COLUMN receipts.subject IS 'The participant, from the header.';
COMMENT ON COLUMN receipts.weight IS 'The weight of the contribution, from the header.';
COMMENT ON COLUMN receipts.sealed_digest IS
'The digest of the sealed seeds, from the header. A refusal of other seeds excuses nobody.';
COMMENT ON COLUMN receipts.received_at IS 'When the receipt was handed over.';

CREATE TABLE refused_proofs (
    round_hash BYTEA NOT NULL CHECK (octet_length(round_hash) = 32),
    header_hash BYTEA NOT NULL CHECK (octet_length(header_hash) = 32),
    reason TEXT NOT NULL,
    refused_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_hash, header_hash)
);
COMMENT ON TABLE refused_proofs IS
'Contributions whose proof this combiner checked itself and refused; append-only. A set may leave '
'their participants out.';
COMMENT ON COLUMN refused_proofs.round_hash IS 'The round.';
COMMENT ON COLUMN refused_proofs.header_hash IS 'Hash of the header, which binds the proof and the body.';
COMMENT ON COLUMN refused_proofs.reason IS 'Code of the problem.';
COMMENT ON COLUMN refused_proofs.refused_at IS 'When it was refused.';

CREATE TABLE refusals (
    round_hash BYTEA NOT NULL REFERENCES rounds,
    reason TEXT NOT NULL,
    count BIGINT NOT NULL CHECK (count > 0),
    last_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_hash, reason)
);
COMMENT ON TABLE refusals IS
'How often contributions were refused. They are counted and not kept, so that worthless messages '
'cannot fill the database.';
COMMENT ON COLUMN refusals.round_hash IS 'The round.';
COMMENT ON COLUMN refusals.reason IS 'Code of the problem.';
COMMENT ON COLUMN refusals.count IS 'How often it happened, with repeated requests.';
COMMENT ON COLUMN refusals.last_at IS
'When it happened last, which tells old trouble from present trouble.';
