-- What the aggregators on this database know of time.

CREATE TABLE observed_time (
    one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one),
    observed_ms BIGINT NOT NULL CHECK (observed_ms >= 0)
);
COMMENT ON TABLE observed_time IS
'How long an aggregator has been running, in one row. A wall clock that is set forward does not '
'change it, so no round ends and no key is destroyed because of a wrong clock.';
COMMENT ON COLUMN observed_time.one IS 'True: there is one row.';
COMMENT ON COLUMN observed_time.observed_ms IS
'Milliseconds while a process was running, added once a minute and at most a minute at a time. Of '
'several processes one adds.';
INSERT INTO observed_time (observed_ms) VALUES (0);
