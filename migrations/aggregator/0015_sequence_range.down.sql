-- The function of 0009. No locks.

CREATE OR REPLACE FUNCTION sequence_log(batch INTEGER) RETURNS TABLE (index BIGINT, leaf_hash BYTEA)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    next BIGINT;
BEGIN
    -- One at a time, until the end of the transaction; nobody who writes to the outbox waits.
    PERFORM PG_ADVISORY_XACT_LOCK(HASHTEXT('blindsum log'));
    SELECT COALESCE(MAX(e.index) + 1, 0) INTO next FROM log_entries AS e;
    RETURN QUERY
    WITH taken AS (
        DELETE FROM log_outbox AS o
        WHERE o.outbox_id IN (SELECT due.outbox_id FROM log_outbox AS due ORDER BY due.outbox_id LIMIT batch)
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
'Gives up to so many entries of the outbox their places in the log. The caller adds the nodes above them in the same transaction.';
