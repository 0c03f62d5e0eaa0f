-- What may change in a row, and which states may follow each other.

CREATE FUNCTION refuse_change() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
COMMENT ON FUNCTION refuse_change() IS 'Trigger of the append-only tables.';

CREATE FUNCTION state_transitions() RETURNS TABLE (table_name TEXT, before TEXT, after TEXT)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    VALUES
    ('rounds', 'preparing', 'open'),
    ('rounds', 'preparing', 'failed'),
    ('rounds', 'preparing', 'cancelled'),
    ('rounds', 'open', 'settling'),
    ('rounds', 'open', 'failed'),
    ('rounds', 'open', 'cancelled'),
    ('rounds', 'settling', 'folding'),
    ('rounds', 'settling', 'failed'),
    ('rounds', 'settling', 'cancelled'),
    ('rounds', 'folding', 'releasing'),
    ('rounds', 'folding', 'failed'),
    ('rounds', 'releasing', 'unmasking'),
    ('rounds', 'releasing', 'failed'),
    ('rounds', 'unmasking', 'published'),
    ('rounds', 'unmasking', 'failed'),
    ('contributions', 'received', 'verified'),
    ('contributions', 'received', 'rejected'),
    ('contributions', 'received', 'excluded'),
    ('contributions', 'verified', 'included'),
    ('contributions', 'verified', 'excluded')
$$;
COMMENT ON FUNCTION state_transitions() IS
'Which states of a round and of a contribution may follow each other: the only list of them in the '
'database.';

CREATE FUNCTION check_round_transition() RETURNS TRIGGER LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.state <> OLD.state AND NOT EXISTS (
        SELECT FROM state_transitions() AS t
        WHERE t.table_name = 'rounds' AND t.before = OLD.state AND t.after = NEW.state
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
COMMENT ON FUNCTION check_round_transition() IS
'Keeps a round to its states, and what is recorded of it as it is.';

CREATE FUNCTION check_contribution_transition() RETURNS TRIGGER LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'received' THEN
            RAISE EXCEPTION 'a contribution starts as received' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.state <> OLD.state AND NOT EXISTS (
        SELECT FROM state_transitions() AS t
        WHERE t.table_name = 'contributions' AND t.before = OLD.state AND t.after = NEW.state
    ) THEN
        RAISE EXCEPTION 'a contribution does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = OLD.state AND (NEW.reason, NEW.changed_at) IS DISTINCT FROM (OLD.reason, OLD.changed_at) OR (
        NEW.round_id, NEW.contribution_id, NEW.header_hash, NEW.subject, NEW.client_key, NEW.weight, NEW.header,
        NEW.body_object_name, NEW.receipt, NEW.received_at
    ) IS DISTINCT FROM (
        OLD.round_id, OLD.contribution_id, OLD.header_hash, OLD.subject, OLD.client_key, OLD.weight, OLD.header,
        OLD.body_object_name, OLD.receipt, OLD.received_at
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
COMMENT ON FUNCTION check_contribution_transition() IS
'Keeps a contribution to its states, and what is recorded of it as it is.';
