-- The rounds that this combiner countersigned, and the public halves of their round keys.

CREATE TABLE round_keys (
    round_id BYTEA PRIMARY KEY CHECK (octet_length(round_id) = 16),
    hpke_key_id BYTEA NOT NULL UNIQUE CHECK (octet_length(hpke_key_id) = 16),
    hpke_public_key BYTEA NOT NULL CHECK (octet_length(hpke_public_key) = 1216),
    created_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE round_keys IS
'Public halves of the round keys; append-only. The private halves are in the vault, because a '
'backup of the database must not hold them.';
COMMENT ON COLUMN round_keys.round_id IS
'The round for which the key was made. A repeated request gets the same key.';
COMMENT ON COLUMN round_keys.hpke_key_id IS 'The key''s identifier in the round document.';
COMMENT ON COLUMN round_keys.hpke_public_key IS 'X-Wing: ML-KEM-768, then X25519.';
COMMENT ON COLUMN round_keys.created_at IS 'When the key was made.';

CREATE TABLE rounds (
    round_hash BYTEA PRIMARY KEY CHECK (octet_length(round_hash) = 32),
    round_id BYTEA NOT NULL UNIQUE REFERENCES round_keys,
    model_digest BYTEA NOT NULL CHECK (octet_length(model_digest) = 32),
    registrar_key BYTEA NOT NULL CHECK (octet_length(registrar_key) = 32),
    layout_digest BYTEA NOT NULL CHECK (octet_length(layout_digest) = 32),
    document BYTEA NOT NULL,
    aggregator_signature BYTEA NOT NULL CHECK (octet_length(aggregator_signature) = 64),
    holder SMALLINT NOT NULL CHECK (holder BETWEEN 1 AND 7),
    countersignature BYTEA NOT NULL CHECK (octet_length(countersignature) = 64),
    countersigned_at TIMESTAMPTZ NOT NULL,
    observed_ms BIGINT NOT NULL CHECK (observed_ms >= 0),
    release_by TIMESTAMPTZ NOT NULL,
    named_at TIMESTAMPTZ,
    waiting_for BYTEA [] NOT NULL DEFAULT '{}' CHECK (cardinality(waiting_for) <= 100),
    outcome TEXT CHECK (outcome IN ('released', 'abandoned', 'expired')),
    ended_at TIMESTAMPTZ,
    CHECK ((outcome IS NULL) = (ended_at IS NULL))
);
COMMENT ON TABLE rounds IS 'Rounds that this combiner countersigned.';
COMMENT ON COLUMN rounds.round_hash IS
'Hash of the round document. Every signature of the round is bound to it.';
COMMENT ON COLUMN rounds.round_id IS
'Round id, chosen by the aggregator; unique, so that no id is countersigned twice.';
COMMENT ON COLUMN rounds.model_digest IS
'The model that clients start from. Two open rounds from one model are refused: their sums could '
'differ by one contribution. This stops accidents, and no aggregator that changes one weight.';
COMMENT ON COLUMN rounds.registrar_key IS 'The registrar whose credentials count in the round.';
COMMENT ON COLUMN rounds.layout_digest IS
'The layout of the updates. Few open rounds may have one registrar and one layout: their sums could '
'differ by one contribution.';
COMMENT ON COLUMN rounds.document IS
'The round document, canonical encoding; the rules of the round are read from it.';
COMMENT ON COLUMN rounds.aggregator_signature IS
'The aggregator''s signature, which proves what the aggregator proposed.';
COMMENT ON COLUMN rounds.holder IS 'This combiner''s index among the holders.';
COMMENT ON COLUMN rounds.countersignature IS
'This combiner''s signature. A repeated request gets the same one.';
COMMENT ON COLUMN rounds.countersigned_at IS 'When it was signed.';
COMMENT ON COLUMN rounds.observed_ms IS
'The observed time when it was signed. The key is kept until as much time was observed since as the '
'document gives the round.';
COMMENT ON COLUMN rounds.release_by IS 'When the round expires, from the document.';
COMMENT ON COLUMN rounds.named_at IS
'When the aggregator first named a set; null before. From then on nothing is attested and no receipt '
'is taken, so the company of the round is fixed.';
COMMENT ON COLUMN rounds.waiting_for IS
'Contributions of participants that the last named set left out; at most 100. Empty if none was '
'refused for that.';
COMMENT ON COLUMN rounds.outcome IS 'How the round ended for this combiner; null while it is open.';
COMMENT ON COLUMN rounds.ended_at IS 'When it ended.';

CREATE UNIQUE INDEX rounds_one_open_for_model ON rounds (model_digest) WHERE outcome IS NULL;
CREATE INDEX rounds_open ON rounds (registrar_key, layout_digest) WHERE outcome IS NULL;
