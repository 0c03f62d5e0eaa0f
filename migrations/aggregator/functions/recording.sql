-- Triggers that write a row elsewhere: to the log, and to the tables of events. They run as their
-- owner, so that no other role needs to write there, or can.

CREATE FUNCTION record_in_log() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    entry JSONB := log_entry(NEW);
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO log_outbox (payload) VALUES (entry::TEXT);
    ELSIF entry IS DISTINCT FROM log_entry(OLD) THEN
        INSERT INTO log_outbox (payload) VALUES (entry::TEXT);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION record_in_log() IS
'Trigger of the recorded tables: appends the row, as it is now, to the outbox of the log.';

CREATE FUNCTION record_contribution_event() RETURNS TRIGGER LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO contribution_events (round_id, contribution_id, state, reason, happened_at)
    VALUES (NEW.round_id, NEW.contribution_id, NEW.state, NEW.reason, NEW.changed_at);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION record_contribution_event() IS 'Appends to contribution_events.';

CREATE FUNCTION record_reputation_event() RETURNS TRIGGER LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO reputation_events (subject, round_id, contribution_id, kind, happened_at)
    VALUES (NEW.subject, NEW.round_id, NEW.contribution_id, NEW.state, NEW.changed_at);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION record_reputation_event() IS 'Appends to reputation_events.';
