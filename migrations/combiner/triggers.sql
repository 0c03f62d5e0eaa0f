-- The triggers of each table.

CREATE TRIGGER round_keys_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON round_keys
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER rounds_kept BEFORE DELETE OR TRUNCATE ON rounds
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER rounds_end_once BEFORE UPDATE ON rounds
FOR EACH ROW WHEN (
    old.outcome IS NOT NULL
    OR old.round_hash <> new.round_hash
    OR old.round_id <> new.round_id
    OR old.document <> new.document
    OR old.countersignature <> new.countersignature
    OR (old.named_at IS NOT NULL AND new.named_at IS DISTINCT FROM old.named_at)
) EXECUTE FUNCTION refuse_change();

CREATE TRIGGER attestations_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON attestations
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER receipts_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON receipts
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER refused_proofs_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON refused_proofs
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER releases_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON releases
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER destroyed_keys_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON destroyed_keys
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER observed_time_kept BEFORE DELETE OR TRUNCATE ON observed_time
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER observed_time_grows BEFORE UPDATE ON observed_time
FOR EACH ROW WHEN (new.observed_ms < old.observed_ms) EXECUTE FUNCTION refuse_change();

CREATE TRIGGER registrars_kept BEFORE DELETE OR TRUNCATE ON registrars
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER epochs_grow BEFORE UPDATE ON registrars
FOR EACH ROW WHEN (new.lowest_epoch < old.lowest_epoch) EXECUTE FUNCTION refuse_change();
