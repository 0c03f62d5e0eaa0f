-- What may still change in a recorded row is narrowed to what has to; ciphertexts may be erased after the audit window.
-- A new table and two functions; a brief exclusive lock on jobs, for its list of kinds.

CREATE TABLE erasures (
    round_id BYTEA PRIMARY KEY REFERENCES rounds,
    erased_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE erasures IS 'Rounds whose bodies, sealed seeds and proofs are erased, the audit window being over; append-only.';
COMMENT ON COLUMN erasures.round_id IS 'The round.';
COMMENT ON COLUMN erasures.erased_at IS 'When erasing began.';

CREATE FUNCTION log_entry(r ERASURES) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT('table', 'erasures', 'key', log_bytes(r.round_id), 'row', JSONB_BUILD_OBJECT(
        'round_id', log_bytes(r.round_id), 'erased_at', log_time(r.erased_at)
    ))
$$;
CREATE TRIGGER erasures_recorded AFTER INSERT ON erasures FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER erasures_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON erasures
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE FUNCTION check_contribution_transition() RETURNS TRIGGER LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'received' THEN
            RAISE EXCEPTION 'a contribution starts as received' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('received', 'verified'), ('received', 'rejected'), ('received', 'excluded'),
        ('verified', 'included'), ('verified', 'excluded')
    ) THEN
        RAISE EXCEPTION 'a contribution does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = OLD.state AND (NEW.reason, NEW.changed_at) IS DISTINCT FROM (OLD.reason, OLD.changed_at) OR (
        NEW.round_id, NEW.contribution_id, NEW.header_hash, NEW.subject, NEW.client_key, NEW.weight, NEW.header,
        NEW.body_location, NEW.receipt, NEW.received_at
    ) IS DISTINCT FROM (
        OLD.round_id, OLD.contribution_id, OLD.header_hash, OLD.subject, OLD.client_key, OLD.weight, OLD.header,
        OLD.body_location, OLD.receipt, OLD.received_at
    ) THEN
        RAISE EXCEPTION 'what is recorded of a contribution never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.sealed_seeds, NEW.proof) IS DISTINCT FROM (OLD.sealed_seeds, OLD.proof) AND (
        NEW.sealed_seeds <> '' OR NEW.proof <> ''
        OR NOT EXISTS (SELECT FROM erasures WHERE erasures.round_id = NEW.round_id)
    ) THEN
        RAISE EXCEPTION 'a contribution''s seeds and proof are only ever erased' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION check_round_transition() RETURNS TRIGGER LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
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
    IF (
        NEW.round_id, NEW.round_hash, NEW.model_digest, NEW.document, NEW.aggregator_signature, NEW.dimension, NEW.chunks,
        NEW.min_cohort, NEW.max_contributions, NEW.max_attempts, NEW.proof, NEW.opens_at, NEW.earliest_close_at,
        NEW.closes_at, NEW.created_at, NEW.sequence, NEW.payout_pool, NEW.payout_policy, NEW.payout_asset,
        NEW.min_reputation_ppm
    ) IS DISTINCT FROM (
        OLD.round_id, OLD.round_hash, OLD.model_digest, OLD.document, OLD.aggregator_signature, OLD.dimension, OLD.chunks,
        OLD.min_cohort, OLD.max_contributions, OLD.max_attempts, OLD.proof, OLD.opens_at, OLD.earliest_close_at,
        OLD.closes_at, OLD.created_at, OLD.sequence, OLD.payout_pool, OLD.payout_policy, OLD.payout_asset,
        OLD.min_reputation_ppm
    ) OR NEW.state = OLD.state AND (
        NEW.countersignatures, NEW.root, NEW.failure_code, NEW.opened_at, NEW.closed_at, NEW.fixed_at, NEW.folded_at,
        NEW.released_at, NEW.ended_at
    ) IS DISTINCT FROM (
        OLD.countersignatures, OLD.root, OLD.failure_code, OLD.opened_at, OLD.closed_at, OLD.fixed_at, OLD.folded_at,
        OLD.released_at, OLD.ended_at
    ) OR OLD.root IS NOT NULL AND NEW.root IS DISTINCT FROM OLD.root THEN
        RAISE EXCEPTION 'what is recorded of a round changes only with its state' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check;
ALTER TABLE jobs ADD CONSTRAINT jobs_kind_check CHECK (kind IN (
    'prepare', 'verify', 'close', 'fold', 'release', 'unmask', 'publish', 'retire', 'payout', 'checkpoint'
));
