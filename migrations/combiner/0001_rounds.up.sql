-- What this combiner countersigned, and the public halves of the keys it made for it. New tables only: no locks on
-- existing ones.

CREATE FUNCTION refuse_change() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
COMMENT ON FUNCTION refuse_change() IS 'Trigger of what is append-only, so that a mistaken statement cannot rewrite it.';

CREATE TABLE round_keys (
    round_id BYTEA PRIMARY KEY CHECK (octet_length(round_id) = 16),
    hpke_key_id BYTEA NOT NULL UNIQUE CHECK (octet_length(hpke_key_id) = 16),
    hpke_public_key BYTEA NOT NULL CHECK (octet_length(hpke_public_key) = 32),
    created_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE round_keys IS
'Public halves of the rounds'' HPKE keys. The private halves are in the vault: a database backup must not hold them.';
COMMENT ON COLUMN round_keys.round_id IS 'The round for which the key was made; asking again gives the same key.';
COMMENT ON COLUMN round_keys.hpke_key_id IS 'What the round document calls the key.';
COMMENT ON COLUMN round_keys.hpke_public_key IS 'X25519.';
COMMENT ON COLUMN round_keys.created_at IS 'When it was made.';
CREATE TRIGGER round_keys_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON round_keys
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE rounds (
    round_hash BYTEA PRIMARY KEY CHECK (octet_length(round_hash) = 32),
    round_id BYTEA NOT NULL UNIQUE REFERENCES round_keys,
    model_digest BYTEA NOT NULL CHECK (octet_length(model_digest) = 32),
    document BYTEA NOT NULL,
    aggregator_signature BYTEA NOT NULL CHECK (octet_length(aggregator_signature) = 64),
    holder SMALLINT NOT NULL CHECK (holder BETWEEN 1 AND 7),
    countersignature BYTEA NOT NULL CHECK (octet_length(countersignature) = 64),
    countersigned_at TIMESTAMPTZ NOT NULL,
    outcome TEXT CHECK (outcome IN ('released', 'abandoned')),
    ended_at TIMESTAMPTZ,
    CHECK ((outcome IS NULL) = (ended_at IS NULL))
);
COMMENT ON TABLE rounds IS 'Rounds that this combiner countersigned.';
COMMENT ON COLUMN rounds.round_hash IS 'Hash of the document; everything a party signs in the round names it.';
COMMENT ON COLUMN rounds.round_id IS 'The aggregator''s identifier; unique, so that one identifier is never countersigned twice.';
COMMENT ON COLUMN rounds.model_digest IS
'The model that clients start from: two open rounds from one model would let two sums differ by one client.';
COMMENT ON COLUMN rounds.document IS 'The document, canonical encoding; the rules of the round are read from it.';
COMMENT ON COLUMN rounds.aggregator_signature IS 'The aggregator''s signature, as evidence of what it proposed.';
COMMENT ON COLUMN rounds.holder IS 'This combiner''s index among the share holders.';
COMMENT ON COLUMN rounds.countersignature IS 'What was answered; asking again gives the same.';
COMMENT ON COLUMN rounds.countersigned_at IS 'When.';
COMMENT ON COLUMN rounds.outcome IS 'How the round ended for this combiner; null while it is open.';
COMMENT ON COLUMN rounds.ended_at IS 'When it ended.';

CREATE UNIQUE INDEX rounds_one_open_for_model ON rounds (model_digest) WHERE outcome IS NULL;

CREATE TRIGGER rounds_kept BEFORE DELETE OR TRUNCATE ON rounds
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER rounds_end_once BEFORE UPDATE ON rounds
FOR EACH ROW WHEN (
    old.outcome IS NOT NULL
    OR old.round_hash <> new.round_hash
    OR old.round_id <> new.round_id
    OR old.document <> new.document
    OR old.countersignature <> new.countersignature
) EXECUTE FUNCTION refuse_change();
