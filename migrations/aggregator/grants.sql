-- What each role may do. Roles belong to the cluster and `blindsum db bootstrap` makes them, before
-- or after the database is migrated. The grants are therefore a function, which grants to the roles
-- that there are; migrating calls it each time.

CREATE FUNCTION apply_grants() RETURNS TEXT []
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    granted TEXT [] := '{}';
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'aggregator_rw') THEN
        REVOKE ALL ON ALL TABLES IN SCHEMA public FROM aggregator_rw;
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO aggregator_rw;
        GRANT INSERT ON
            participants, credentials, models, rounds, refusals, contributions, attestations, signed_refusals, round_members,
            release_answers, release_waits, sum_chunks, results, erasures, unreleased, jobs, log_nodes, log_checkpoints, accounts,
            payouts, claim_addresses, payout_batches, payout_lines, transfers, postings
        TO aggregator_rw;
        GRANT UPDATE (client_key, credential_epoch, credential, renewed_at) ON participants TO aggregator_rw;
        GRANT UPDATE (
            state, countersignatures, active, active_weight, root, failure, failure_code, opened_at, closed_at, fixed_at, folded_at,
            released_at, ended_at
        ) ON rounds TO aggregator_rw;
        GRANT UPDATE (state, reason, changed_at, proof_time_us, sealed_seeds, proof) ON contributions TO aggregator_rw;
        GRANT UPDATE (count, last_at) ON refusals TO aggregator_rw;
        GRANT UPDATE (digest, residual_max, unmasked_at) ON sum_chunks TO aggregator_rw;
        GRANT UPDATE (holder, reason, since) ON release_waits TO aggregator_rw;
        GRANT UPDATE ON jobs TO aggregator_rw;
        GRANT UPDATE (observed_ms) ON observed_time TO aggregator_rw;
        GRANT EXECUTE ON FUNCTION sequence_log(INTEGER), record_problems(), hold_latch(TEXT) TO aggregator_rw;
        GRANT USAGE ON SCHEMA audit TO aggregator_rw;
        GRANT SELECT ON audit.receipts_waiting TO aggregator_rw;
        granted := granted || 'aggregator_rw'::TEXT;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'auditor_ro') THEN
        GRANT USAGE ON SCHEMA audit TO auditor_ro;
        GRANT SELECT ON ALL TABLES IN SCHEMA audit TO auditor_ro;
        GRANT EXECUTE ON FUNCTION record_problems() TO auditor_ro;
        granted := granted || 'auditor_ro'::TEXT;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'payer_rw') THEN
        GRANT USAGE ON SCHEMA audit TO payer_rw;
        GRANT SELECT ON audit.batches, audit.batch_lines, audit.balances, audit.payouts, audit.claim_addresses TO payer_rw;
        GRANT INSERT (batch_id, reference), SELECT ON payments TO payer_rw;
        granted := granted || 'payer_rw'::TEXT;
    END IF;
    RETURN granted;
END
$$;
COMMENT ON FUNCTION apply_grants() IS
'Grants to the roles aggregator_rw, auditor_ro and payer_rw what they need, and no more. Returns '
'the roles that exist.';

-- These run as their owner. A trigger fires for every role, but no role may put it on a table of
-- its own.
REVOKE ALL ON FUNCTION
    sequence_log(INTEGER),
    hold_latch(TEXT),
    number_round(),
    record_problems(),
    log_problems(),
    row_problems(TEXT, BOOLEAN),
    history_problems(),
    event_problems(),
    record_in_log(),
    record_contribution_event(),
    record_reputation_event(),
    refuse_overdraft(),
    apply_grants()
FROM PUBLIC;

SELECT apply_grants();
