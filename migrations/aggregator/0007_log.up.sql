-- The log. Triggers write every recorded row to an outbox, in the transaction of the row; the
-- outbox fills a Merkle tree.

CREATE TABLE log_outbox (
    outbox_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payload TEXT COLLATE "C" NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    table_name TEXT COLLATE "C" GENERATED ALWAYS AS (payload::JSONB ->> 'table') STORED,
    key TEXT COLLATE "C" GENERATED ALWAYS AS (payload::JSONB ->> 'key') STORED
);
COMMENT ON TABLE log_outbox IS
'Entries that have no index in the log yet. Triggers write them, in the transaction of the row '
'that they record.';
COMMENT ON COLUMN log_outbox.outbox_id IS 'Order of writing.';
COMMENT ON COLUMN log_outbox.payload IS
'The entry: JSON text with the table, the key and the protected columns of a row.';
COMMENT ON COLUMN log_outbox.recorded_at IS 'When the row was written.';
COMMENT ON COLUMN log_outbox.table_name IS 'The table that the payload names.';
COMMENT ON COLUMN log_outbox.key IS 'The key that the payload names.';

CREATE TABLE log_entries (
    index BIGINT PRIMARY KEY CHECK (index >= 0),
    payload TEXT COLLATE "C" NOT NULL,
    leaf_hash BYTEA NOT NULL CHECK (octet_length(leaf_hash) = 32),
    recorded_at TIMESTAMPTZ NOT NULL,
    sequenced_at TIMESTAMPTZ NOT NULL,
    table_name TEXT COLLATE "C" GENERATED ALWAYS AS (payload::JSONB ->> 'table') STORED,
    key TEXT COLLATE "C" GENERATED ALWAYS AS (payload::JSONB ->> 'key') STORED
);
COMMENT ON TABLE log_entries IS
'The log: the leaves of a Merkle tree (RFC 9162 §2.1); append-only.';
COMMENT ON COLUMN log_entries.index IS 'Index in the log, from 0 and without gaps.';
COMMENT ON COLUMN log_entries.payload IS
'The entry, which is the data of the leaf: JSON text with the table, the key and the protected '
'columns of a row.';
COMMENT ON COLUMN log_entries.leaf_hash IS 'SHA-256 of a zero byte and the payload.';
COMMENT ON COLUMN log_entries.recorded_at IS 'When the row was written.';
COMMENT ON COLUMN log_entries.sequenced_at IS 'When the entry got its index.';
COMMENT ON COLUMN log_entries.table_name IS 'The table that the payload names.';
COMMENT ON COLUMN log_entries.key IS 'The key that the payload names.';
CREATE INDEX log_entries_of ON log_entries (table_name, key, index);

CREATE TABLE log_nodes (
    level SMALLINT NOT NULL CHECK (level BETWEEN 1 AND 62),
    index BIGINT NOT NULL CHECK (index >= 0),
    hash BYTEA NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (level, index)
);
COMMENT ON TABLE log_nodes IS
'Roots of the full subtrees of the log above its leaves, from which proofs are made; append-only.';
COMMENT ON COLUMN log_nodes.level IS 'Height: the subtree has two to this power leaves.';
COMMENT ON COLUMN log_nodes.index IS 'Index among the subtrees of this height.';
COMMENT ON COLUMN log_nodes.hash IS 'SHA-256 of a one byte and the two children.';

CREATE TABLE log_checkpoints (
    size BIGINT PRIMARY KEY CHECK (size > 0),
    root BYTEA NOT NULL CHECK (octet_length(root) = 32),
    note TEXT NOT NULL,
    signed_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE log_checkpoints IS
'What the aggregator has signed about the log; append-only, and recorded in the log that follows.';
COMMENT ON COLUMN log_checkpoints.size IS 'How many entries the checkpoint covers.';
COMMENT ON COLUMN log_checkpoints.root IS 'Root of the tree of these entries.';
COMMENT ON COLUMN log_checkpoints.note IS 'The signed note.';
COMMENT ON COLUMN log_checkpoints.signed_at IS 'When it was signed.';
