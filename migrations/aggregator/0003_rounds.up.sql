-- Rounds, and the uploads that they refuse. The states that may follow each other are in
-- functions/transitions.sql.

CREATE TABLE rounds (
    round_id BYTEA PRIMARY KEY CHECK (octet_length(round_id) = 16),
    round_hash BYTEA NOT NULL UNIQUE CHECK (octet_length(round_hash) = 32),
    sequence BIGINT UNIQUE CHECK (sequence > 0),
    request_key TEXT UNIQUE CHECK (length(request_key) BETWEEN 1 AND 255),
    request_digest BYTEA NOT NULL CHECK (octet_length(request_digest) = 32),
    -- The document and what it says
    document BYTEA NOT NULL,
    aggregator_signature BYTEA NOT NULL CHECK (octet_length(aggregator_signature) = 64),
    countersignatures BYTEA [] NOT NULL DEFAULT '{}',
    model_digest BYTEA NOT NULL REFERENCES models,
    dimension BIGINT NOT NULL CHECK (dimension > 0),
    chunks INTEGER NOT NULL CHECK (chunks > 0),
    min_cohort INTEGER NOT NULL CHECK (min_cohort >= 2),
    max_contributions INTEGER NOT NULL CHECK (max_contributions >= min_cohort),
    max_attempts SMALLINT NOT NULL CHECK (max_attempts BETWEEN 1 AND 8),
    proof TEXT NOT NULL CHECK (proof IN ('none', 'norm-v2')),
    opens_at TIMESTAMPTZ NOT NULL,
    earliest_close_at TIMESTAMPTZ NOT NULL CHECK (earliest_close_at >= opens_at),
    closes_at TIMESTAMPTZ NOT NULL CHECK (closes_at >= earliest_close_at),
    release_by TIMESTAMPTZ NOT NULL CHECK (release_by >= closes_at),
    -- What it pays, and whom it admits
    payout_pool NUMERIC(39, 0) CHECK (payout_pool > 0),
    payout_policy TEXT CHECK (payout_policy ~ '^[a-z-]{1,64}$'),
    payout_asset TEXT COLLATE "C" CHECK (payout_asset ~ '^(points|eip155:[0-9]{1,19}/erc20:0x[0-9a-f]{40})$'),
    min_reputation_ppm INTEGER NOT NULL DEFAULT 0 CHECK (min_reputation_ppm BETWEEN 0 AND 1000000),
    -- How far it is
    state TEXT NOT NULL CHECK (state IN (
        'preparing', 'open', 'settling', 'folding', 'releasing', 'unmasking', 'published', 'failed', 'cancelled'
    )),
    active INTEGER NOT NULL DEFAULT 0 CHECK (active BETWEEN 0 AND max_contributions),
    active_weight BIGINT NOT NULL DEFAULT 0 CHECK (active_weight >= 0),
    root BYTEA CHECK (octet_length(root) = 32),
    failure TEXT,
    failure_code TEXT CHECK (failure_code ~ '^[a-z-]{1,64}$'),
    created_at TIMESTAMPTZ NOT NULL,
    observed_ms BIGINT NOT NULL CHECK (observed_ms >= 0),
    opened_at TIMESTAMPTZ,
    closed_at TIMESTAMPTZ,
    fixed_at TIMESTAMPTZ,
    folded_at TIMESTAMPTZ,
    released_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    CHECK ((payout_pool IS NULL) = (payout_policy IS NULL) AND (payout_pool IS NULL) = (payout_asset IS NULL)),
    CHECK ((state IN ('folding', 'releasing', 'unmasking', 'published')) <= (root IS NOT NULL)),
    CHECK ((state = 'failed') = (failure IS NOT NULL)),
    CHECK ((failure_code IS NOT NULL) <= (state = 'failed')),
    CHECK ((state IN ('published', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
);
COMMENT ON TABLE rounds IS 'Rounds, from their document to their end.';
COMMENT ON COLUMN rounds.round_id IS 'Round id, chosen by the aggregator.';
COMMENT ON COLUMN rounds.round_hash IS 'Hash of the round document.';
COMMENT ON COLUMN rounds.sequence IS
'Number of the round, from 1, in the order of creation. Reputation decays with this number.';
COMMENT ON COLUMN rounds.request_key IS 'The operator''s idempotency key; null if it sent none.';
COMMENT ON COLUMN rounds.request_digest IS 'SHA-256 of the request that created the round.';
COMMENT ON COLUMN rounds.document IS 'The round document, canonical encoding.';
COMMENT ON COLUMN rounds.aggregator_signature IS 'The aggregator''s signature over the round hash.';
COMMENT ON COLUMN rounds.countersignatures IS
'The combiners'' signatures, in their order; empty until all have signed.';
COMMENT ON COLUMN rounds.model_digest IS 'The model that clients start from.';
COMMENT ON COLUMN rounds.dimension IS 'Coordinates of an update.';
COMMENT ON COLUMN rounds.chunks IS 'Chunks of a body.';
COMMENT ON COLUMN rounds.min_cohort IS 'Size of the smallest set that may be summed.';
COMMENT ON COLUMN rounds.max_contributions IS
'Capacity: size of the largest set that may be summed.';
COMMENT ON COLUMN rounds.max_attempts IS
'How many contributions a participant may send; rejected ones count.';
COMMENT ON COLUMN rounds.proof IS 'The proof that every contribution must carry.';
COMMENT ON COLUMN rounds.opens_at IS 'When uploads start.';
COMMENT ON COLUMN rounds.earliest_close_at IS 'The round does not close before this time.';
COMMENT ON COLUMN rounds.closes_at IS 'When uploads stop.';
COMMENT ON COLUMN rounds.release_by IS 'Until when combiners release the round.';
COMMENT ON COLUMN rounds.payout_pool IS
'What the round pays to all participants together, in the smallest units; null if it pays nothing.';
COMMENT ON COLUMN rounds.payout_policy IS 'How the pool is split.';
COMMENT ON COLUMN rounds.payout_asset IS
'What the round pays in: a token by its CAIP-19 name, or points, which only the books know.';
COMMENT ON COLUMN rounds.min_reputation_ppm IS
'Smallest reputation, in millionths, with which a participant is admitted.';
COMMENT ON COLUMN rounds.state IS 'The state of the round.';
COMMENT ON COLUMN rounds.active IS 'Contributions that are not rejected.';
COMMENT ON COLUMN rounds.active_weight IS 'The sum of their weights.';
COMMENT ON COLUMN rounds.root IS 'Merkle root of the set; null until the set is fixed.';
COMMENT ON COLUMN rounds.failure IS
'Why the round failed, in words for the operator; they may name hosts and paths.';
COMMENT ON COLUMN rounds.failure_code IS
'Why the round failed, as everybody is told; null in a failed round means internal.';
COMMENT ON COLUMN rounds.created_at IS 'When the document was written.';
COMMENT ON COLUMN rounds.observed_ms IS
'The observed time when the document was written. The round goes on until as much time was observed '
'since as the document gives it.';
COMMENT ON COLUMN rounds.opened_at IS 'When the last countersignature arrived.';
COMMENT ON COLUMN rounds.closed_at IS 'When uploads were no longer accepted.';
COMMENT ON COLUMN rounds.fixed_at IS 'When the set was fixed.';
COMMENT ON COLUMN rounds.folded_at IS 'When the bodies were added.';
COMMENT ON COLUMN rounds.released_at IS 'When the last answer of a holder arrived.';
COMMENT ON COLUMN rounds.ended_at IS 'When the round was published, failed or was cancelled.';

CREATE UNIQUE INDEX rounds_one_for_a_model ON rounds (model_digest)
WHERE state NOT IN ('published', 'failed', 'cancelled');
CREATE INDEX rounds_unfinished ON rounds (round_id) WHERE state NOT IN ('published', 'failed', 'cancelled');
CREATE INDEX rounds_by_state ON rounds (state, round_id);

CREATE TABLE refusals (
    round_id BYTEA NOT NULL REFERENCES rounds,
    reason TEXT NOT NULL CHECK (reason ~ '^[a-z-]{1,64}$'),
    count BIGINT NOT NULL CHECK (count > 0),
    first_at TIMESTAMPTZ NOT NULL,
    last_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_id, reason)
);
COMMENT ON TABLE refusals IS
'Uploads that were refused before they were stored: one row for each round and reason.';
COMMENT ON COLUMN refusals.round_id IS 'The round.';
COMMENT ON COLUMN refusals.reason IS 'Code of the problem in the response.';
COMMENT ON COLUMN refusals.count IS 'How often it happened.';
COMMENT ON COLUMN refusals.first_at IS 'When it happened first.';
COMMENT ON COLUMN refusals.last_at IS 'When it happened last.';
