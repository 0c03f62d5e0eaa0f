-- What each role may do. Roles belong to the cluster and are made by whoever administers it (`blindsum db bootstrap`), so
-- grants are a function that is called after migrating and grants to those roles that there are. No locks.

REVOKE ALL ON FUNCTION sequence_log(INTEGER) FROM PUBLIC;
REVOKE ALL ON FUNCTION record_problems() FROM PUBLIC;
REVOKE ALL ON FUNCTION log_problems() FROM PUBLIC;
REVOKE ALL ON FUNCTION row_problems(TEXT, BOOLEAN) FROM PUBLIC;
REVOKE ALL ON FUNCTION history_problems() FROM PUBLIC;
REVOKE ALL ON FUNCTION event_problems() FROM PUBLIC;
-- Triggers that run as their owner fire for everybody; nobody else may put them on a table of its own.
REVOKE ALL ON FUNCTION record_in_log() FROM PUBLIC;
REVOKE ALL ON FUNCTION record_contribution_event() FROM PUBLIC;
REVOKE ALL ON FUNCTION record_reputation_event() FROM PUBLIC;
REVOKE ALL ON FUNCTION number_round() FROM PUBLIC;

CREATE FUNCTION apply_grants() RETURNS TEXT [] LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    granted TEXT [] := '{}';
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'aggregator_rw') THEN
        REVOKE ALL ON ALL TABLES IN SCHEMA public FROM aggregator_rw;
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO aggregator_rw;
        GRANT INSERT ON
            participants, models, rounds, refusals, contributions, attestations, round_members, release_answers, sum_chunks,
            results, erasures, jobs, log_nodes, log_checkpoints, accounts, payouts, claim_addresses, payout_batches,
            payout_lines, transfers, postings
        TO aggregator_rw;
        GRANT UPDATE (client_key, credential_epoch, credential, renewed_at) ON participants TO aggregator_rw;
        GRANT UPDATE (
            state, countersignatures, active, root, failure, failure_code, opened_at, closed_at, fixed_at, folded_at,
            released_at, ended_at
        ) ON rounds TO aggregator_rw;
        GRANT UPDATE (state, reason, changed_at, proof_time_us, sealed_seeds, proof) ON contributions TO aggregator_rw;
        GRANT UPDATE (count, last_at) ON refusals TO aggregator_rw;
        GRANT UPDATE (digest, residual_max, unmasked_at) ON sum_chunks TO aggregator_rw;
        GRANT UPDATE ON jobs TO aggregator_rw;
        GRANT EXECUTE ON FUNCTION sequence_log(INTEGER), record_problems() TO aggregator_rw;
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
        GRANT INSERT (batch_id, reference), SELECT ON payout_settlements TO payer_rw;
        granted := granted || 'payer_rw'::TEXT;
    END IF;
    RETURN granted;
END
$$;
COMMENT ON FUNCTION apply_grants() IS 'Grants what they need, and no more, to the roles aggregator_rw, auditor_ro and payer_rw; answers to which.';
REVOKE ALL ON FUNCTION apply_grants() FROM PUBLIC;
