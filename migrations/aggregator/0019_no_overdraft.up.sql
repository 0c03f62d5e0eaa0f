-- Nobody hands over what is not owed, whatever the service believes: two batches at the same time cannot take the same balance. Locks nothing.

CREATE FUNCTION refuse_overdraft() RETURNS TRIGGER LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- In one order, so that two transactions wait for each other and not in a circle; what the other one posted is seen below.
    PERFORM FROM accounts AS a
    WHERE a.kind <> 'treasury' AND a.account_id IN (SELECT n.account_id FROM new_postings AS n WHERE n.amount < 0)
    ORDER BY a.account_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT FROM accounts AS a
        WHERE a.kind <> 'treasury' AND a.account_id IN (SELECT n.account_id FROM new_postings AS n WHERE n.amount < 0)
            AND (SELECT SUM(p.amount) FROM postings AS p WHERE p.account_id = a.account_id) < 0
    ) THEN
        RAISE EXCEPTION 'an account would be overdrawn' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION refuse_overdraft() IS 'Only the treasury owes.';
REVOKE ALL ON FUNCTION refuse_overdraft() FROM PUBLIC;
CREATE TRIGGER postings_covered AFTER INSERT ON postings REFERENCING NEW TABLE AS new_postings
FOR EACH STATEMENT EXECUTE FUNCTION refuse_overdraft();
