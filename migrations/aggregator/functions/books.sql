-- Rules of the books that span rows.

CREATE FUNCTION check_postings() RETURNS TRIGGER
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (
            SELECT n.transfer_id, SUM(n.amount) AS total, COUNT(*) AS lines FROM new_postings AS n GROUP BY n.transfer_id
        ) AS n
        WHERE n.total <> 0 OR n.lines <> (SELECT COUNT(*) FROM postings AS p WHERE p.transfer_id = n.transfer_id)
    ) THEN
        RAISE EXCEPTION 'the postings of a transfer are written at once and sum to zero'
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT FROM new_postings AS n JOIN transfers AS t USING (transfer_id) JOIN accounts AS a USING (account_id)
        WHERE t.asset <> a.asset
    ) THEN
        RAISE EXCEPTION 'the accounts of a transfer count what it moves' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION check_postings() IS
'The postings of a transfer are written by one statement and balance.';

CREATE FUNCTION check_transfer() RETURNS TRIGGER
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF (SELECT COUNT(*) < 2 OR SUM(p.amount) <> 0 FROM postings AS p WHERE p.transfer_id = NEW.transfer_id) THEN
        RAISE EXCEPTION 'transfer % does not balance', NEW.transfer_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION check_transfer() IS
'A transfer balances at the end of the transaction that posts it.';

CREATE FUNCTION refuse_overdraft() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- In one order, so that transactions do not wait for each other in a circle. The statement
    -- below sees what the others posted.
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
COMMENT ON FUNCTION refuse_overdraft() IS
'Only the treasury may owe: two batches at the same time cannot take the same balance.';
