-- What this combiner released, and the keys it destroyed. New tables only: no locks on existing ones.

CREATE TABLE releases (
    round_hash BYTEA PRIMARY KEY REFERENCES rounds,
    root BYTEA NOT NULL CHECK (octet_length(root) = 32),
    member_count INTEGER NOT NULL CHECK (member_count >= 2),
    answer BYTEA NOT NULL,
    released_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE releases IS
'Sums of key shares that were released: one set for each round, for ever. The vault holds the root too, for the case that
this table is restored from a backup. Append-only.';
COMMENT ON COLUMN releases.round_hash IS 'The round; the key of the table, so that there is no second release.';
COMMENT ON COLUMN releases.root IS 'Merkle root of the set.';
COMMENT ON COLUMN releases.member_count IS 'Its size.';
COMMENT ON COLUMN releases.answer IS 'The signed answer; asking again for the same set gives these bytes.';
COMMENT ON COLUMN releases.released_at IS 'When.';
CREATE TRIGGER releases_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON releases
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE destroyed_keys (
    round_hash BYTEA PRIMARY KEY REFERENCES rounds,
    hpke_key_id BYTEA NOT NULL CHECK (octet_length(hpke_key_id) = 16),
    destroyed_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE destroyed_keys IS
'Rounds whose private key is no longer in the vault; an ended round that is missing here is finished at start-up.
Append-only.';
COMMENT ON COLUMN destroyed_keys.round_hash IS 'The round.';
COMMENT ON COLUMN destroyed_keys.hpke_key_id IS 'What its document called the key.';
COMMENT ON COLUMN destroyed_keys.destroyed_at IS 'When the key was found to be gone: from then on no seed of the round opens.';
CREATE TRIGGER destroyed_keys_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON destroyed_keys
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
