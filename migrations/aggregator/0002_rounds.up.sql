-- Rounds and what is refused in them. New tables only: no locks on existing ones.

CREATE TABLE rounds (
    round_id BYTEA PRIMARY KEY CHECK (octet_length(round_id) = 16),
    round_hash BYTEA NOT NULL UNIQUE CHECK (octet_length(round_hash) = 32),
    request_key TEXT UNIQUE CHECK (length(request_key) BETWEEN 1 AND 255),
    request_digest BYTEA NOT NULL CHECK (octet_length(request_digest) = 32),
    model_digest BYTEA NOT NULL REFERENCES models,
    document BYTEA NOT NULL,
    aggregator_signature BYTEA NOT NULL CHECK (octet_length(aggregator_signature) = 64),
    countersignatures BYTEA [] NOT NULL DEFAULT '{}',
    state TEXT NOT NULL CHECK (state IN (
        'preparing', 'open', 'settling', 'folding', 'releasing', 'unmasking', 'published', 'failed', 'cancelled'
    )),
    dimension BIGINT NOT NULL CHECK (dimension > 0),
    chunks INTEGER NOT NULL CHECK (chunks > 0),
    min_cohort INTEGER NOT NULL CHECK (min_cohort >= 2),
    max_contributions INTEGER NOT NULL CHECK (max_contributions >= min_cohort),
    max_attempts SMALLINT NOT NULL CHECK (max_attempts BETWEEN 1 AND 8),
    proof TEXT NOT NULL CHECK (proof IN ('none', 'norm-v1')),
    opens_at TIMESTAMPTZ NOT NULL,
    earliest_close_at TIMESTAMPTZ NOT NULL CHECK (earliest_close_at >= opens_at),
    closes_at TIMESTAMPTZ NOT NULL CHECK (closes_at >= earliest_close_at),
    active INTEGER NOT NULL DEFAULT 0 CHECK (active BETWEEN 0 AND max_contributions),
    root BYTEA CHECK (octet_length(root) = 32),
    failure TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    opened_at TIMESTAMPTZ,
    closed_at TIMESTAMPTZ,
    fixed_at TIMESTAMPTZ,
    folded_at TIMESTAMPTZ,
    released_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    CHECK ((state IN ('folding', 'releasing', 'unmasking', 'published')) <= (root IS NOT NULL)),
    CHECK ((state = 'failed') = (failure IS NOT NULL)),
    CHECK ((state IN ('published', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
);
COMMENT ON TABLE rounds IS 'Rounds, from the assembly of their document to their end.';
COMMENT ON COLUMN rounds.round_id IS 'Identifier, chosen by the aggregator.';
COMMENT ON COLUMN rounds.round_hash IS 'Hash of the document.';
COMMENT ON COLUMN rounds.request_key IS 'The operator''s idempotency key, if it sent one.';
COMMENT ON COLUMN rounds.request_digest IS 'SHA-256 of the request that created the round.';
COMMENT ON COLUMN rounds.model_digest IS 'The model that clients start from.';
COMMENT ON COLUMN rounds.document IS 'The round document, canonical encoding.';
COMMENT ON COLUMN rounds.aggregator_signature IS 'The aggregator''s signature over the round hash.';
COMMENT ON COLUMN rounds.countersignatures IS 'The combiners'' signatures, in order; empty until all are there.';
COMMENT ON COLUMN rounds.state IS 'Where the round is.';
COMMENT ON COLUMN rounds.dimension IS 'Coordinates of an update.';
COMMENT ON COLUMN rounds.chunks IS 'Chunks of an update.';
COMMENT ON COLUMN rounds.min_cohort IS 'Size of the smallest set that may be summed.';
COMMENT ON COLUMN rounds.max_contributions IS 'Size of the largest set that may be summed.';
COMMENT ON COLUMN rounds.max_attempts IS 'Contributions that a participant may send, counting rejected ones.';
COMMENT ON COLUMN rounds.proof IS 'The proof that every contribution must carry.';
COMMENT ON COLUMN rounds.opens_at IS 'When uploads start.';
COMMENT ON COLUMN rounds.earliest_close_at IS 'Before this the round is not closed.';
COMMENT ON COLUMN rounds.closes_at IS 'When uploads stop.';
COMMENT ON COLUMN rounds.active IS 'Contributions that are not rejected.';
COMMENT ON COLUMN rounds.root IS 'Merkle root of the fixed set.';
COMMENT ON COLUMN rounds.failure IS 'Why the round failed, in words for the operator.';
COMMENT ON COLUMN rounds.created_at IS 'When the document was written.';
COMMENT ON COLUMN rounds.opened_at IS 'When the last countersignature was there.';
COMMENT ON COLUMN rounds.closed_at IS 'When uploads were no longer accepted.';
COMMENT ON COLUMN rounds.fixed_at IS 'When the set was fixed.';
COMMENT ON COLUMN rounds.folded_at IS 'When the ciphertexts were added.';
COMMENT ON COLUMN rounds.released_at IS 'When the sums of all key shares were there.';
COMMENT ON COLUMN rounds.ended_at IS 'When the round was published, failed or was cancelled.';

CREATE UNIQUE INDEX rounds_one_for_a_model ON rounds (model_digest)
WHERE state NOT IN ('published', 'failed', 'cancelled');
CREATE INDEX rounds_unfinished ON rounds (round_id) WHERE state NOT IN ('published', 'failed', 'cancelled');
CREATE INDEX rounds_by_state ON rounds (state, round_id);

CREATE FUNCTION check_round_transition() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('preparing', 'open'), ('open', 'settling'), ('settling', 'folding'), ('folding', 'releasing'),
        ('releasing', 'unmasking'), ('unmasking', 'published'),
        ('preparing', 'failed'), ('open', 'failed'), ('settling', 'failed'), ('folding', 'failed'),
        ('releasing', 'failed'), ('unmasking', 'failed'),
        ('preparing', 'cancelled'), ('open', 'cancelled'), ('settling', 'cancelled')
    ) THEN
        RAISE EXCEPTION 'a round does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.round_id, NEW.round_hash, NEW.document) IS DISTINCT FROM (OLD.round_id, OLD.round_hash, OLD.document)
        OR (OLD.root IS NOT NULL AND NEW.root IS DISTINCT FROM OLD.root) THEN
        RAISE EXCEPTION 'the document and the fixed set of a round never change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION check_round_transition() IS 'Keeps a round to its state machine.';
CREATE TRIGGER rounds_transition BEFORE UPDATE ON rounds
FOR EACH ROW EXECUTE FUNCTION check_round_transition();
CREATE TRIGGER rounds_kept BEFORE DELETE OR TRUNCATE ON rounds
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE refusals (
    round_id BYTEA NOT NULL REFERENCES rounds,
    reason TEXT NOT NULL CHECK (reason ~ '^[a-z-]{1,64}$'),
    count BIGINT NOT NULL CHECK (count > 0),
    first_at TIMESTAMPTZ NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_id, reason)
);
COMMENT ON TABLE refusals IS 'Uploads that were refused and not stored: a row for each round and reason.';
COMMENT ON COLUMN refusals.round_id IS 'The round.';
COMMENT ON COLUMN refusals.reason IS 'Code of the problem that was answered.';
COMMENT ON COLUMN refusals.count IS 'How often.';
COMMENT ON COLUMN refusals.first_at IS 'The first time.';
COMMENT ON COLUMN refusals.last_at IS 'The last time.';
