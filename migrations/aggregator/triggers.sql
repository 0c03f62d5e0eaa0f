-- The triggers of each table. Those named _kept refuse what an append-only table, or a recorded
-- one, never does; those named _recorded write to the log. Several on one table fire in the order
-- of their names.

CREATE TRIGGER participants_kept BEFORE DELETE OR TRUNCATE ON participants
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER participants_recorded AFTER INSERT OR UPDATE ON participants
FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER credentials_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON credentials
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER credentials_recorded AFTER INSERT ON credentials FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER models_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON models
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER models_recorded AFTER INSERT ON models FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER rounds_kept BEFORE DELETE OR TRUNCATE ON rounds
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER rounds_transition BEFORE UPDATE ON rounds
FOR EACH ROW EXECUTE FUNCTION check_round_transition();
CREATE TRIGGER rounds_recorded AFTER INSERT OR UPDATE OF
round_id, round_hash, model_digest, document, aggregator_signature, countersignatures, state, dimension, chunks,
min_cohort, max_contributions, max_attempts, proof, opens_at, earliest_close_at, closes_at, root, failure_code,
created_at, opened_at, closed_at, fixed_at, folded_at, released_at, ended_at, sequence, payout_pool, payout_policy, payout_asset,
min_reputation_ppm ON rounds FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER rounds_numbered BEFORE INSERT ON rounds FOR EACH ROW EXECUTE FUNCTION number_round();

CREATE TRIGGER contributions_kept BEFORE DELETE OR TRUNCATE ON contributions
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER contributions_transition BEFORE INSERT OR UPDATE ON contributions
FOR EACH ROW EXECUTE FUNCTION check_contribution_transition();
CREATE TRIGGER contributions_event AFTER INSERT OR UPDATE OF state ON contributions
FOR EACH ROW EXECUTE FUNCTION record_contribution_event();
CREATE TRIGGER contributions_recorded AFTER INSERT OR UPDATE OF
round_id, contribution_id, header_hash, subject, client_key, weight, header, sealed_seeds, proof, body_object_name, receipt,
state, reason, received_at, changed_at ON contributions
FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER contributions_reputation AFTER UPDATE OF state ON contributions
FOR EACH ROW WHEN (
    OLD.state <> NEW.state
    AND (NEW.state = 'included' OR NEW.state = 'rejected' AND NEW.reason = 'proof-refused')
)
EXECUTE FUNCTION record_reputation_event();

CREATE TRIGGER contribution_events_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON contribution_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER attestations_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON attestations
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER attestations_recorded AFTER INSERT ON attestations FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER signed_refusals_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON signed_refusals
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER signed_refusals_recorded AFTER INSERT ON signed_refusals FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER round_members_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON round_members
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER round_members_recorded AFTER INSERT ON round_members FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER release_answers_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON release_answers
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER release_answers_recorded AFTER INSERT ON release_answers FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER results_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON results
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER results_recorded AFTER INSERT ON results FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER log_outbox_kept BEFORE UPDATE OR TRUNCATE ON log_outbox
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER log_entries_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER log_nodes_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON log_nodes
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER log_checkpoints_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON log_checkpoints
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_checkpoints_recorded AFTER INSERT ON log_checkpoints FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER accounts_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER accounts_recorded AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER payouts_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON payouts
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payouts_recorded AFTER INSERT ON payouts FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER claim_addresses_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON claim_addresses
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER claim_addresses_recorded AFTER INSERT ON claim_addresses FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER payout_batches_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_batches
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payout_batches_recorded AFTER INSERT ON payout_batches FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER payout_lines_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_lines
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payout_lines_recorded AFTER INSERT ON payout_lines FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER payments_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON payments
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payments_recorded AFTER INSERT ON payments
FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER transfers_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE CONSTRAINT TRIGGER transfers_balanced AFTER INSERT ON transfers DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION check_transfer();
CREATE TRIGGER transfers_recorded AFTER INSERT ON transfers FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER postings_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON postings
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER postings_balanced AFTER INSERT ON postings REFERENCING NEW TABLE AS new_postings
FOR EACH STATEMENT EXECUTE FUNCTION check_postings();
CREATE TRIGGER postings_recorded AFTER INSERT ON postings FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER postings_covered AFTER INSERT ON postings REFERENCING NEW TABLE AS new_postings
FOR EACH STATEMENT EXECUTE FUNCTION refuse_overdraft();

CREATE TRIGGER reputation_events_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON reputation_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER erasures_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON erasures
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER erasures_recorded AFTER INSERT ON erasures FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER latches_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON latches
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER observed_time_kept BEFORE DELETE OR TRUNCATE ON observed_time
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER observed_time_grows BEFORE UPDATE ON observed_time
FOR EACH ROW WHEN (NEW.observed_ms < OLD.observed_ms) EXECUTE FUNCTION refuse_change();

CREATE TRIGGER unreleased_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON unreleased
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
