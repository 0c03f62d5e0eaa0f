-- What this combiner knows of time: how long it has been running, and which epochs are over.

CREATE TABLE observed_time (
    one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one),
    observed_ms BIGINT NOT NULL CHECK (observed_ms >= 0)
);
COMMENT ON TABLE observed_time IS
'How long this combiner has been running, in one row. A wall clock that is set forward does not '
'change it, so no key is destroyed because of a wrong clock.';
COMMENT ON COLUMN observed_time.one IS 'True: there is one row.';
COMMENT ON COLUMN observed_time.observed_ms IS
'Milliseconds while the service was running, added once a minute and at most a minute at a time.';
INSERT INTO observed_time (observed_ms) VALUES (0);

CREATE TABLE registrars (
    registrar_key BYTEA PRIMARY KEY CHECK (octet_length(registrar_key) = 32),
    lowest_epoch BIGINT NOT NULL CHECK (lowest_epoch BETWEEN 0 AND 4294967295)
);
COMMENT ON TABLE registrars IS 'The registrars whose rounds this combiner has countersigned.';
COMMENT ON COLUMN registrars.registrar_key IS 'Ed25519.';
COMMENT ON COLUMN registrars.lowest_epoch IS
'The highest epoch in a credential of this registrar that was attested, or in a statement that it '
'signed. No round of an earlier epoch is countersigned.';
