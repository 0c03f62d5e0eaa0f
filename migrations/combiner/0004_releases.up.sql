-- What this combiner released, and the round keys that it destroyed.

CREATE TABLE releases (
    round_hash BYTEA PRIMARY KEY REFERENCES rounds,
    root BYTEA NOT NULL CHECK (octet_length(root) = 32),
    member_count INTEGER NOT NULL CHECK (member_count >= 2),
    answer BYTEA NOT NULL,
    released_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE releases IS
'Sums of key shares that were released, for one set in each round; append-only. The vault has the '
'set root too, in case this table is restored from a backup.';
COMMENT ON COLUMN releases.round_hash IS
'The round; the table''s key, so that there is no second release.';
COMMENT ON COLUMN releases.root IS 'Merkle root of the set.';
COMMENT ON COLUMN releases.member_count IS 'Size of the set.';
COMMENT ON COLUMN releases.answer IS
'The signed answer, canonical encoding. A repeated request for the same set gets the same bytes.';
COMMENT ON COLUMN releases.released_at IS 'When it was released.';

CREATE TABLE destroyed_keys (
    round_hash BYTEA PRIMARY KEY REFERENCES rounds,
    hpke_key_id BYTEA NOT NULL CHECK (octet_length(hpke_key_id) = 16),
    destroyed_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE destroyed_keys IS
'Rounds whose private key is no longer in the vault; append-only. At start-up, the key of an ended '
'round that is missing here is destroyed.';
COMMENT ON COLUMN destroyed_keys.round_hash IS 'The round.';
COMMENT ON COLUMN destroyed_keys.hpke_key_id IS 'The key''s identifier in the round document.';
COMMENT ON COLUMN destroyed_keys.destroyed_at IS
'When the key was found to be gone. No seed of the round can be opened after this.';
