-- What happens one at a time.

CREATE FUNCTION hold_latch(latch TEXT) RETURNS VOID
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM latches AS l WHERE l.name = latch FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no latch %', latch;
    END IF;
END
$$;
COMMENT ON FUNCTION hold_latch(TEXT) IS
'Waits until no other transaction holds the latch, then holds it until the end of this '
'transaction.';

CREATE FUNCTION number_round() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM hold_latch('rounds');
    SELECT COALESCE(MAX(sequence), 0) + 1 INTO NEW.sequence FROM rounds;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION number_round() IS 'Numbers rounds without gaps.';

CREATE FUNCTION sequence_log(batch INTEGER) RETURNS TABLE (index BIGINT, leaf_hash BYTEA)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    next BIGINT;
    last BIGINT;
BEGIN
    -- Until the end of the transaction; transactions that write to the outbox do not wait.
    PERFORM hold_latch('log');
    SELECT COALESCE(MAX(e.index) + 1, 0) INTO next FROM log_entries AS e;
    -- A range, because its plan is good for any number of rows. The outbox is mostly empty, and its
    -- statistics say so.
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
COMMENT ON FUNCTION sequence_log(INTEGER) IS
'Gives an index in the log to the first entries of the outbox, as many as asked for. Entries that '
'other transactions committed meanwhile before the last of them get one too. The caller adds the '
'nodes above them in the same transaction.';
