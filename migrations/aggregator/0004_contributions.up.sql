-- Contributions, the changes of their states, attestations, and the holders' refusals.
-- The states that may follow each other are in functions/transitions.sql.

CREATE TABLE contributions (
    round_id BYTEA NOT NULL REFERENCES rounds,
    contribution_id BYTEA NOT NULL CHECK (octet_length(contribution_id) = 16),
    header_hash BYTEA NOT NULL CHECK (octet_length(header_hash) = 32),
    subject TEXT COLLATE "C" NOT NULL REFERENCES participants,
    client_key BYTEA NOT NULL CHECK (octet_length(client_key) = 32),
    weight INTEGER NOT NULL CHECK (weight > 0),
    commitment BYTEA NOT NULL CHECK (octet_length(commitment) = 32),
    header BYTEA NOT NULL,
    sealed_seeds BYTEA NOT NULL,
    proof BYTEA NOT NULL,
    body_object_name TEXT NOT NULL UNIQUE,
    chunk_digests BYTEA CHECK (octet_length(chunk_digests) % 32 = 0),
    receipt BYTEA NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('received', 'verified', 'rejected', 'included', 'excluded')),
    reason TEXT,
    proof_time_us BIGINT CHECK (proof_time_us >= 0),
    received_at TIMESTAMPTZ NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_id, contribution_id),
    UNIQUE (round_id, header_hash),
    UNIQUE (round_id, commitment),
    CHECK ((state IN ('rejected', 'excluded')) = (reason IS NOT NULL))
);
COMMENT ON TABLE contributions IS 'Contributions for which a receipt was given.';
COMMENT ON COLUMN contributions.round_id IS 'The round.';
COMMENT ON COLUMN contributions.contribution_id IS
'The contribution''s identifier, chosen by the client.';
COMMENT ON COLUMN contributions.header_hash IS
'Hash of the header, which binds every byte of the upload.';
COMMENT ON COLUMN contributions.subject IS 'The participant.';
COMMENT ON COLUMN contributions.client_key IS
'The participant''s identity key, which signed the header.';
COMMENT ON COLUMN contributions.weight IS 'The public weight.';
COMMENT ON COLUMN contributions.commitment IS
'The commitment to the aggregator''s own share of the mask key. Two contributions of a round with '
'the same one come from a client whose randomness repeats, and would reveal each other.';
COMMENT ON COLUMN contributions.header IS 'The signed header, canonical encoding.';
COMMENT ON COLUMN contributions.sealed_seeds IS
'The seeds of the key shares, each encrypted to its holder; never published, and empty once '
'erased.';
COMMENT ON COLUMN contributions.proof IS
'The norm proof; empty if the round demands none, or once erased.';
COMMENT ON COLUMN contributions.body_object_name IS 'Name of the body in the object store.';
COMMENT ON COLUMN contributions.chunk_digests IS
'BLAKE3 of each chunk of the body, in their order: the leaves below the digest in the header. Null '
'means that the body is added without being compared.';
COMMENT ON COLUMN contributions.receipt IS 'The signed receipt, canonical encoding.';
COMMENT ON COLUMN contributions.state IS 'The state of the contribution.';
COMMENT ON COLUMN contributions.reason IS 'Why it was rejected or excluded.';
COMMENT ON COLUMN contributions.proof_time_us IS
'Microseconds that verifying the norm proof took; null if none was verified. A received contribution '
'that has a number here has a good proof, which is not verified again.';
COMMENT ON COLUMN contributions.received_at IS 'When the contribution was durable.';
COMMENT ON COLUMN contributions.changed_at IS 'When the state changed last.';

CREATE UNIQUE INDEX contributions_one_active ON contributions (round_id, subject) WHERE state <> 'rejected';
CREATE INDEX contributions_by_subject ON contributions (subject, round_id);
CREATE INDEX contributions_unverified ON contributions (round_id) WHERE state = 'received';
CREATE INDEX contributions_by_state ON contributions (round_id, state);

CREATE TABLE contribution_events (
    event_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    round_id BYTEA NOT NULL,
    contribution_id BYTEA NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    happened_at TIMESTAMPTZ NOT NULL,
    FOREIGN KEY (round_id, contribution_id) REFERENCES contributions
);
COMMENT ON TABLE contribution_events IS
'Every change of a contribution''s state, written by a trigger; append-only.';
COMMENT ON COLUMN contribution_events.event_id IS 'Order of writing.';
COMMENT ON COLUMN contribution_events.round_id IS 'The round.';
COMMENT ON COLUMN contribution_events.contribution_id IS 'The contribution.';
COMMENT ON COLUMN contribution_events.state IS 'The new state.';
COMMENT ON COLUMN contribution_events.reason IS 'Why the contribution was rejected or excluded.';
COMMENT ON COLUMN contribution_events.happened_at IS 'When the state changed.';
CREATE INDEX contribution_events_of ON contribution_events (round_id, contribution_id);

CREATE TABLE attestations (
    round_id BYTEA NOT NULL,
    contribution_id BYTEA NOT NULL,
    holder SMALLINT NOT NULL CHECK (holder BETWEEN 1 AND 7),
    attestation BYTEA NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_id, contribution_id, holder),
    FOREIGN KEY (round_id, contribution_id) REFERENCES contributions
);
COMMENT ON TABLE attestations IS
'Signed statements of the combiners that their shares of a contribution''s key are good; '
'append-only.';
COMMENT ON COLUMN attestations.round_id IS 'The round.';
COMMENT ON COLUMN attestations.contribution_id IS 'The contribution.';
COMMENT ON COLUMN attestations.holder IS 'Index of the combiner among the holders.';
COMMENT ON COLUMN attestations.attestation IS 'The signed attestation, canonical encoding.';
COMMENT ON COLUMN attestations.stored_at IS 'When it was checked and stored.';

CREATE TABLE signed_refusals (
    round_id BYTEA NOT NULL,
    contribution_id BYTEA NOT NULL,
    holder SMALLINT NOT NULL CHECK (holder BETWEEN 0 AND 7),
    refusal BYTEA NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_id, contribution_id, holder),
    FOREIGN KEY (round_id, contribution_id) REFERENCES contributions
);
COMMENT ON TABLE signed_refusals IS
'Signed statements of holders that they refuse a contribution; append-only.';
COMMENT ON COLUMN signed_refusals.round_id IS 'The round.';
COMMENT ON COLUMN signed_refusals.contribution_id IS 'The contribution.';
COMMENT ON COLUMN signed_refusals.holder IS 'Index of the holder; 0 is the aggregator.';
COMMENT ON COLUMN signed_refusals.refusal IS 'The signed refusal, canonical encoding.';
COMMENT ON COLUMN signed_refusals.stored_at IS 'When it was checked and stored.';
