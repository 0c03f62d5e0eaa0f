-- Which functions, triggers, views and grants the database has. They are no migrations: see
-- ../README.md.

CREATE TABLE schema_definitions (
    version BIGINT PRIMARY KEY CHECK (version > 0),
    digest BYTEA NOT NULL CHECK (octet_length(digest) = 32),
    undo TEXT [] NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE schema_definitions IS
'The functions, triggers, views and grants that the database has now: one row, written by the '
'migrator.';
COMMENT ON COLUMN schema_definitions.version IS
'Their version; a program needs its own version or a later one.';
COMMENT ON COLUMN schema_definitions.digest IS 'SHA-256 of their files.';
COMMENT ON COLUMN schema_definitions.undo IS 'Statements that drop them.';
COMMENT ON COLUMN schema_definitions.applied_at IS 'When they were applied.';
