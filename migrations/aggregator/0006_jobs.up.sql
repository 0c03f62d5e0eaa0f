-- Leased work.

CREATE TABLE jobs (
    job_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN (
        'prepare', 'verify', 'close', 'fold', 'release', 'unmask', 'publish', 'retire', 'payout', 'checkpoint'
    )),
    round_id BYTEA NOT NULL REFERENCES rounds,
    key TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'leased', 'done', 'failed')),
    run_at TIMESTAMPTZ NOT NULL,
    lease_token UUID,
    lease_expires_at TIMESTAMPTZ,
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ,
    UNIQUE (kind, round_id, key),
    CHECK ((state = 'leased') = (lease_token IS NOT NULL)),
    CHECK ((state = 'leased') = (lease_expires_at IS NOT NULL)),
    CHECK ((state IN ('done', 'failed')) = (finished_at IS NOT NULL))
);
COMMENT ON TABLE jobs IS
'Work that outlives a request: each job is done at least once and recorded exactly once.';
COMMENT ON COLUMN jobs.job_id IS 'Order of creation.';
COMMENT ON COLUMN jobs.kind IS 'What is to be done.';
COMMENT ON COLUMN jobs.round_id IS 'For which round.';
COMMENT ON COLUMN jobs.key IS
'For what in the round: a contribution, a chunk, or the round itself.';
COMMENT ON COLUMN jobs.state IS 'Whether the job waits, is leased by a worker, or is finished.';
COMMENT ON COLUMN jobs.run_at IS 'When the job may run at the earliest.';
COMMENT ON COLUMN jobs.lease_token IS
'Drawn by the worker that holds the lease; the results of the job are recorded only under it.';
COMMENT ON COLUMN jobs.lease_expires_at IS 'When another worker may take over.';
COMMENT ON COLUMN jobs.attempts IS 'How often the job was tried; waits for a peer do not count.';
COMMENT ON COLUMN jobs.last_error IS 'Why the last attempt did not finish.';
COMMENT ON COLUMN jobs.created_at IS 'When the job was created.';
COMMENT ON COLUMN jobs.finished_at IS 'When it was done or given up.';

CREATE INDEX jobs_due ON jobs (COALESCE(lease_expires_at, run_at), job_id) WHERE state IN ('ready', 'leased');
CREATE INDEX jobs_unfinished ON jobs (round_id, kind) WHERE state IN ('ready', 'leased');
