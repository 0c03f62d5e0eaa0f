-- What happens one at a time (numbering rounds, giving entries their places, changing the ledger) waits for a row that only the service can
-- lock, and no longer for an advisory lock, which every role that may connect can take and keep. Locks nothing. Services that are older
-- lock the ledger in the old way: what they and newer ones would hand over at the same time is refused to one of them (0019), and tried again.

CREATE TABLE latches (name TEXT PRIMARY KEY);
COMMENT ON TABLE latches IS 'What happens one at a time: whoever does it locks the row.';
COMMENT ON COLUMN latches.name IS 'What it is.';
INSERT INTO latches (name) VALUES ('rounds'), ('log'), ('ledger');
CREATE TRIGGER latches_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON latches
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION hold_latch(latch TEXT) RETURNS VOID LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM latches AS l WHERE l.name = latch FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no latch %', latch;
    END IF;
END
$$;
COMMENT ON FUNCTION hold_latch(TEXT) IS 'Waits until nobody else holds it, and holds it until the end of the transaction.';
REVOKE ALL ON FUNCTION hold_latch(TEXT) FROM PUBLIC;

CREATE OR REPLACE FUNCTION number_round() RETURNS TRIGGER LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM hold_latch('rounds');
    SELECT COALESCE(MAX(sequence), 0) + 1 INTO NEW.sequence FROM rounds;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION sequence_log(batch INTEGER) RETURNS TABLE (index BIGINT, leaf_hash BYTEA)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    next BIGINT;
    last BIGINT;
BEGIN
    -- One at a time, until the end of the transaction; nobody who writes to the outbox waits.
    PERFORM hold_latch('log');
    SELECT COALESCE(MAX(e.index) + 1, 0) INTO next FROM log_entries AS e;
    -- A range, whose plan is good for any number of rows; the outbox is mostly empty, and then analysed as such.
    SELECT MAX(due.outbox_id) INTO last
    FROM (SELECT o.outbox_id FROM log_outbox AS o ORDER BY o.outbox_id LIMIT batch) AS due;
    RETURN QUERY
    WITH taken AS (
        DELETE FROM log_outbox AS o WHERE o.outbox_id <= last
        RETURNING o.outbox_id, o.payload, o.recorded_at
    )
    INSERT INTO log_entries AS e (index, payload, leaf_hash, recorded_at, sequenced_at)
    SELECT
        next + ROW_NUMBER() OVER (ORDER BY t.outbox_id) - 1, t.payload,
        SHA256('\x00'::BYTEA || CONVERT_TO(t.payload, 'UTF8')), t.recorded_at, CLOCK_TIMESTAMP()
    FROM taken AS t
    RETURNING e.index, e.leaf_hash;
END
$$;

CREATE OR REPLACE FUNCTION apply_grants() RETURNS TEXT [] LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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
        GRANT INSERT (batch_id, reference), SELECT ON payout_settlements TO payer_rw;
        granted := granted || 'payer_rw'::TEXT;
    END IF;
    RETURN granted;
END
$$;
