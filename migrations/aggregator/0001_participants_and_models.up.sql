-- Who may contribute, and what clients start from. New tables only: no locks on existing ones.

CREATE FUNCTION refuse_change() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
COMMENT ON FUNCTION refuse_change() IS 'Trigger of the append-only tables.';

CREATE TABLE participants (
    subject TEXT COLLATE "C" PRIMARY KEY CHECK (subject ~ '^[A-Za-z0-9._-]{1,64}$'),
    client_key BYTEA NOT NULL CHECK (octet_length(client_key) = 32),
    credential_epoch BIGINT NOT NULL CHECK (credential_epoch BETWEEN 0 AND 4294967295),
    credential BYTEA NOT NULL,
    enrolled_at TIMESTAMPTZ NOT NULL,
    renewed_at TIMESTAMPTZ NOT NULL CHECK (renewed_at >= enrolled_at)
);
COMMENT ON TABLE participants IS 'Enrolled participants, one row for each name that the registrar gives.';
COMMENT ON COLUMN participants.subject IS 'The registrar''s name for the participant.';
COMMENT ON COLUMN participants.client_key IS 'Ed25519 key of the credential last enrolled.';
COMMENT ON COLUMN participants.credential_epoch IS 'Epoch of that credential; it only grows.';
COMMENT ON COLUMN participants.credential IS 'The credential, canonical encoding.';
COMMENT ON COLUMN participants.enrolled_at IS 'First enrolment.';
COMMENT ON COLUMN participants.renewed_at IS 'Enrolment of the present credential.';

CREATE TABLE models (
    digest BYTEA PRIMARY KEY CHECK (octet_length(digest) = 32),
    bytes BIGINT NOT NULL CHECK (bytes > 0),
    location TEXT NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE models IS 'Models that rounds start from; their bytes are in the object store.';
COMMENT ON COLUMN models.digest IS 'SHA-256 of the bytes.';
COMMENT ON COLUMN models.bytes IS 'Their number.';
COMMENT ON COLUMN models.location IS 'Path in the object store.';
COMMENT ON COLUMN models.stored_at IS 'When the bytes were durable.';
