DROP TRIGGER rounds_recorded ON rounds;
DROP TRIGGER rounds_numbered ON rounds;
DROP FUNCTION number_round();
DROP TRIGGER contributions_reputation ON contributions;
DROP FUNCTION record_reputation_event();
DROP TABLE reputation_events;
DROP FUNCTION log_entry(POSTINGS);
DROP FUNCTION log_entry(TRANSFERS);
DROP FUNCTION log_entry(PAYOUT_SETTLEMENTS);
DROP FUNCTION log_entry(PAYOUT_LINES);
DROP FUNCTION log_entry(PAYOUT_BATCHES);
DROP FUNCTION log_entry(CLAIM_ADDRESSES);
DROP FUNCTION log_entry(PAYOUTS);
DROP FUNCTION log_entry(ACCOUNTS);
DROP TABLE postings;
DROP TABLE transfers;
DROP TABLE payout_settlements;
DROP TABLE payout_lines;
DROP TABLE payout_batches;
DROP TABLE claim_addresses;
DROP TABLE payouts;
DROP TABLE accounts;
DROP FUNCTION check_transfer();
DROP FUNCTION check_postings();
CREATE OR REPLACE FUNCTION log_entry(r ROUNDS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT('table', 'rounds', 'key', log_bytes(r.round_id), 'row', JSONB_BUILD_OBJECT(
        'round_id', log_bytes(r.round_id), 'round_hash', log_bytes(r.round_hash),
        'model_digest', log_bytes(r.model_digest), 'document', log_bytes(r.document),
        'aggregator_signature', log_bytes(r.aggregator_signature), 'countersignatures', log_bytes(r.countersignatures),
        'state', r.state, 'dimension', r.dimension, 'chunks', r.chunks, 'min_cohort', r.min_cohort,
        'max_contributions', r.max_contributions, 'max_attempts', r.max_attempts, 'proof', r.proof,
        'opens_at', log_time(r.opens_at), 'earliest_close_at', log_time(r.earliest_close_at),
        'closes_at', log_time(r.closes_at), 'root', log_bytes(r.root), 'failure_code', r.failure_code,
        'created_at', log_time(r.created_at), 'opened_at', log_time(r.opened_at), 'closed_at', log_time(r.closed_at),
        'fixed_at', log_time(r.fixed_at), 'folded_at', log_time(r.folded_at), 'released_at', log_time(r.released_at),
        'ended_at', log_time(r.ended_at)
    ))
$$;
ALTER TABLE rounds
DROP COLUMN sequence, DROP COLUMN payout_pool, DROP COLUMN payout_policy, DROP COLUMN payout_asset,
DROP COLUMN min_reputation_ppm;
CREATE TRIGGER rounds_recorded AFTER INSERT OR UPDATE OF
round_id, round_hash, model_digest, document, aggregator_signature, countersignatures, state, dimension, chunks,
min_cohort, max_contributions, max_attempts, proof, opens_at, earliest_close_at, closes_at, root, failure_code,
created_at, opened_at, closed_at, fixed_at, folded_at, released_at, ended_at ON rounds
FOR EACH ROW EXECUTE FUNCTION record_in_log();
