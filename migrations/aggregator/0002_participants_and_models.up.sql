-- The parties that may contribute, and the models that clients start from.

CREATE TABLE participants (
    subject TEXT COLLATE "C" PRIMARY KEY CHECK (subject ~ '^[A-Za-z0-9._-]{1,64}$'),
    client_key BYTEA NOT NULL CHECK (octet_length(client_key) = 32),
    credential_epoch BIGINT NOT NULL CHECK (credential_epoch BETWEEN 0 AND 4294967295),
    credential BYTEA NOT NULL,
    enrolled_at TIMESTAMPTZ NOT NULL,
    renewed_at TIMESTAMPTZ NOT NULL CHECK (renewed_at >= enrolled_at)
);
COMMENT ON TABLE participants IS 'Enrolled participants, one row for each subject.';
COMMENT ON COLUMN participants.subject IS 'The participant''s name, which the registrar gave.';
COMMENT ON COLUMN participants.client_key IS
'Identity key (Ed25519) in the credential that was enrolled last.';
COMMENT ON COLUMN participants.credential_epoch IS 'Epoch of that credential; it only grows.';
COMMENT ON COLUMN participants.credential IS 'The credential, canonical encoding.';
COMMENT ON COLUMN participants.enrolled_at IS 'When the participant enrolled first.';
COMMENT ON COLUMN participants.renewed_at IS 'When the present credential was enrolled.';

CREATE TABLE credentials (
    subject TEXT COLLATE "C" NOT NULL REFERENCES participants,
    epoch BIGINT NOT NULL CHECK (epoch BETWEEN 0 AND 4294967295),
    client_key BYTEA NOT NULL CHECK (octet_length(client_key) = 32),
    credential BYTEA NOT NULL,
    enrolled_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (subject, epoch)
);
COMMENT ON TABLE credentials IS
'Credentials with which participants contribute, one for each subject and epoch; append-only.';
COMMENT ON COLUMN credentials.subject IS 'The participant.';
COMMENT ON COLUMN credentials.epoch IS 'The epoch whose rounds count the credential.';
COMMENT ON COLUMN credentials.client_key IS 'Identity key (Ed25519) in the credential.';
COMMENT ON COLUMN credentials.credential IS 'The credential, canonical encoding.';
COMMENT ON COLUMN credentials.enrolled_at IS 'When the credential was enrolled.';

CREATE TABLE models (
    digest BYTEA PRIMARY KEY CHECK (octet_length(digest) = 32),
    bytes BIGINT NOT NULL CHECK (bytes > 0),
    object_name TEXT NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE models IS
'Models that rounds start from; append-only. The object store has their bytes.';
COMMENT ON COLUMN models.digest IS 'SHA-256 of the bytes.';
COMMENT ON COLUMN models.bytes IS 'How many bytes the model has.';
COMMENT ON COLUMN models.object_name IS 'Name in the object store.';
COMMENT ON COLUMN models.stored_at IS 'When the bytes were durable.';
