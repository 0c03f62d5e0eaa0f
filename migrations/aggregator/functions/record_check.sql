-- The tables against the log, and the log against itself.

CREATE FUNCTION log_root(log_size BIGINT) RETURNS BYTEA
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    root BYTEA;
    part BYTEA;
    rest BIGINT := log_size;
BEGIN
    -- The full subtrees that make up the tree, the smallest and rightmost first (RFC 9162 §2.1.1).
    FOR height IN 0..62 LOOP
        IF (log_size >> height) & 1 = 1 THEN
            rest := rest - (1::BIGINT << height);
            IF height = 0 THEN
                SELECT e.leaf_hash INTO part FROM log_entries AS e WHERE e.index = rest;
            ELSE
                SELECT n.hash INTO part FROM log_nodes AS n WHERE n.level = height AND n.index = rest >> height;
            END IF;
            IF part IS NULL THEN
                RETURN NULL;
            END IF;
            root := CASE WHEN root IS NULL THEN part ELSE SHA256('\x01'::BYTEA || part || root) END;
        END IF;
    END LOOP;
    RETURN root;
END
$$;
COMMENT ON FUNCTION log_root(BIGINT) IS
'Root of the tree of the first entries of the log, as many as given; null if some are missing.';

CREATE FUNCTION log_problems() RETURNS TABLE (table_name TEXT, key TEXT, column_name TEXT, problem TEXT)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    entries BIGINT := (SELECT COUNT(*) FROM log_entries);
    height INTEGER := 1;
BEGIN
    RETURN QUERY
    SELECT 'log_entries', e.index::TEXT, 'index', 'entries are missing before it'
    FROM (SELECT l.index, ROW_NUMBER() OVER (ORDER BY l.index) - 1 AS expected FROM log_entries AS l) AS e
    WHERE e.index <> e.expected ORDER BY e.index LIMIT 1;
    RETURN QUERY
    SELECT 'log_entries', e.index::TEXT, 'payload', 'the leaf hash is not that of the payload'
    FROM log_entries AS e WHERE e.leaf_hash <> SHA256('\x00'::BYTEA || CONVERT_TO(e.payload, 'UTF8')) ORDER BY e.index;
    RETURN QUERY
    SELECT e.source, e.key, 'payload', 'names no recorded table'
    FROM (
        SELECT 'log_entries' AS source, l.index::TEXT AS key, l.table_name FROM log_entries AS l
        UNION ALL
        SELECT 'log_outbox', o.outbox_id::TEXT, o.table_name FROM log_outbox AS o
    ) AS e
    WHERE e.table_name IS NULL OR e.table_name NOT IN (SELECT t.table_name FROM recorded_tables() AS t);
    LOOP
        RETURN QUERY
        WITH children AS (
            SELECT l.index, l.leaf_hash AS hash FROM log_entries AS l WHERE height = 1
            UNION ALL
            SELECT n.index, n.hash FROM log_nodes AS n WHERE n.level = height - 1
        ), parents AS (
            SELECT a.index >> 1 AS index, SHA256('\x01'::BYTEA || a.hash || b.hash) AS hash
            FROM children AS a JOIN children AS b ON b.index = a.index + 1 WHERE a.index & 1 = 0
        ), stored AS (
            SELECT n.index, n.hash FROM log_nodes AS n WHERE n.level = height
        )
        SELECT 'log_nodes', height || '/' || COALESCE(p.index, s.index), 'hash', 'is not that of its children'
        FROM parents AS p FULL JOIN stored AS s ON s.index = p.index
        WHERE p.hash IS DISTINCT FROM s.hash ORDER BY COALESCE(p.index, s.index);
        EXIT WHEN entries >> height = 0;
        height := height + 1;
    END LOOP;
    RETURN QUERY
    SELECT 'log_nodes', n.level || '/' || n.index, NULL, 'is there more than once'
    FROM log_nodes AS n GROUP BY n.level, n.index HAVING COUNT(*) > 1 ORDER BY n.level, n.index;
    RETURN QUERY
    SELECT 'log_nodes', n.level || '/' || n.index, 'level', 'there are no such subtrees'
    FROM log_nodes AS n WHERE n.level > height OR n.level < 1 ORDER BY n.level, n.index;
    IF entries < (SELECT MAX(c.size) FROM log_checkpoints AS c) THEN
        RETURN QUERY SELECT 'log_entries', entries::TEXT, 'index', 'entries are missing that a checkpoint covers';
    END IF;
    RETURN QUERY
    SELECT 'log_checkpoints', c.size::TEXT, 'root', 'is not the root of the log'
    FROM log_checkpoints AS c WHERE c.size <= entries AND c.root IS DISTINCT FROM log_root(c.size) ORDER BY c.size;
END
$$;
COMMENT ON FUNCTION log_problems() IS
'What is wrong with the log itself: gaps, hashes, nodes, the roots of the checkpoints. Signatures '
'are not checked here.';

CREATE FUNCTION row_problems(name TEXT, append_only BOOLEAN)
RETURNS TABLE (table_name TEXT, key TEXT, column_name TEXT, problem TEXT)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE FORMAT($query$
        WITH present AS (
            SELECT e.entry ->> 'key' AS key, e.entry -> 'row' AS entry,
                COUNT(*) OVER (PARTITION BY e.entry ->> 'key') AS copies
            FROM (SELECT log_entry(r) AS entry FROM %1$I AS r) AS e
        ), last AS (
            SELECT DISTINCT ON (e.key) e.key, e.entry, COUNT(*) OVER (PARTITION BY e.key) AS entries
            FROM recorded_entries AS e WHERE e.table_name = %1$L ORDER BY e.key, e.stage DESC, e.position DESC
        )
        SELECT
            %1$L::TEXT, COALESCE(p.key, l.key), d.column_name,
            CASE
                WHEN p.key IS NULL THEN 'the log has this row, the table does not'
                WHEN l.key IS NULL THEN 'the table has this row, the log does not'
                WHEN p.copies > 1 THEN 'the table has this row more than once'
                WHEN d.column_name IS NULL THEN 'the log has this row more than once'
                ELSE 'is not what the log has'
            END
        FROM present AS p
        FULL JOIN last AS l ON l.key = p.key
        LEFT JOIN LATERAL (
            SELECT COALESCE(a.key, b.key) AS column_name
            FROM JSONB_EACH(p.entry) AS a FULL JOIN JSONB_EACH(l.entry) AS b ON b.key = a.key
            WHERE a.value IS DISTINCT FROM b.value AND p.key IS NOT NULL AND l.key IS NOT NULL
        ) AS d ON TRUE
        WHERE p.entry IS DISTINCT FROM l.entry OR p.copies > 1 OR (%2$L::BOOLEAN AND l.entries > 1)
        ORDER BY 2, 3
    $query$, name, append_only);
END
$$;
COMMENT ON FUNCTION row_problems(TEXT, BOOLEAN) IS
'How the rows of a recorded table differ from their last entries in the log.';

CREATE FUNCTION history_problems() RETURNS TABLE (table_name TEXT, key TEXT, column_name TEXT, problem TEXT)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH steps AS (
        SELECT
            e.table_name, e.key, e.entry,
            LAG(e.entry) OVER (PARTITION BY e.table_name, e.key ORDER BY e.stage, e.position) AS before
        FROM recorded_entries AS e WHERE e.table_name IN ('participants', 'rounds', 'contributions')
    )
    SELECT s.table_name, s.key, NULL, 'the log has a change of this row that no rule allows'
    FROM steps AS s
    WHERE s.before IS NOT NULL AND NOT CASE s.table_name
        WHEN 'participants' THEN
            (s.entry ->> 'credential_epoch')::BIGINT > (s.before ->> 'credential_epoch')::BIGINT
            AND s.entry - '{client_key,credential_epoch,credential,renewed_at}'::TEXT []
            = s.before - '{client_key,credential_epoch,credential,renewed_at}'::TEXT []
        WHEN 'rounds' THEN
            (s.table_name, s.before ->> 'state', s.entry ->> 'state') IN (SELECT * FROM state_transitions())
            AND s.entry - '{state,countersignatures,root,failure_code,opened_at,closed_at,fixed_at,folded_at,released_at,ended_at}'::TEXT []
            = s.before - '{state,countersignatures,root,failure_code,opened_at,closed_at,fixed_at,folded_at,released_at,ended_at}'::TEXT []
            AND (s.before -> 'root' = 'null' OR s.entry -> 'root' = s.before -> 'root')
            -- A column that the table got later.
            OR s.entry @> s.before AND s.entry <> s.before
        ELSE
            (s.table_name, s.before ->> 'state', s.entry ->> 'state') IN (SELECT * FROM state_transitions())
            AND s.entry - '{state,reason,changed_at}'::TEXT [] = s.before - '{state,reason,changed_at}'::TEXT []
            OR s.entry = s.before || '{"sealed_seeds": "", "proof": ""}' AND s.entry <> s.before
    END
    ORDER BY 1, 2
$$;
COMMENT ON FUNCTION history_problems() IS
'Changes of rows that the log has and the rules of their tables do not allow.';

CREATE FUNCTION event_problems() RETURNS TABLE (table_name TEXT, key TEXT, column_name TEXT, problem TEXT)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH entries AS (
        SELECT DISTINCT ON (e.key, e.entry ->> 'state')
            e.key, e.entry ->> 'state' AS state, e.entry ->> 'reason' AS reason, e.entry ->> 'subject' AS subject,
            e.entry -> 'changed_at' AS changed_at
        FROM recorded_entries AS e WHERE e.table_name = 'contributions'
        ORDER BY e.key, e.entry ->> 'state', e.stage, e.position
    ), recorded AS (
        -- A contribution that is older than the log is recorded from a later state on.
        SELECT e.key FROM entries AS e WHERE e.state = 'received'
    ), events AS (
        SELECT log_bytes(v.round_id) || '/' || log_bytes(v.contribution_id) AS key, v.state, v.reason, v.happened_at
        FROM contribution_events AS v
    ), reputation AS (
        SELECT log_bytes(v.round_id) || '/' || log_bytes(v.contribution_id) AS key,
            v.kind, v.subject, v.happened_at, v.score_ppm
        FROM reputation_events AS v
    )
    SELECT
        'contribution_events', COALESCE(v.key, e.key),
        CASE
            WHEN v.key IS NULL OR e.key IS NULL THEN NULL
            WHEN v.reason IS DISTINCT FROM e.reason THEN 'reason' ELSE 'happened_at'
        END,
        CASE
            WHEN v.key IS NULL THEN 'an event is missing'
            WHEN e.key IS NULL THEN 'the log has no such change of a contribution'
            ELSE 'is not what the log has'
        END
    FROM events AS v
    FULL JOIN entries AS e ON e.key = v.key AND e.state = v.state
    WHERE
        (v.key IS NULL OR e.key IS NULL
            OR (v.reason, log_time(v.happened_at)) IS DISTINCT FROM (e.reason, e.changed_at))
        AND (
            e.key IS NOT NULL OR v.key IN (SELECT r.key FROM recorded AS r)
            OR v.key NOT IN (SELECT n.key FROM entries AS n)
        )
    UNION ALL
    SELECT 'contribution_events', v.key, NULL, 'an event is there more than once'
    FROM events AS v GROUP BY v.key, v.state HAVING COUNT(*) > 1
    UNION ALL
    SELECT
        'reputation_events', COALESCE(v.key, e.key),
        CASE
            WHEN v.key IS NULL OR e.key IS NULL THEN NULL
            WHEN v.subject IS DISTINCT FROM e.subject THEN 'subject'
            WHEN v.score_ppm IS NOT NULL THEN 'score_ppm' ELSE 'happened_at'
        END,
        CASE
            WHEN v.key IS NULL THEN 'an event is missing'
            WHEN e.key IS NULL THEN 'the log has no such change of a contribution'
            ELSE 'is not what the log has'
        END
    FROM reputation AS v
    -- Only what anybody can recompute moves a reputation.
    FULL JOIN (
        SELECT * FROM entries WHERE state = 'included' OR state = 'rejected' AND reason = 'proof-refused'
    ) AS e
        ON e.key = v.key AND e.state = v.kind
    WHERE
        v.key IS NULL OR e.key IS NULL OR v.score_ppm IS NOT NULL
        OR (v.subject, log_time(v.happened_at)) IS DISTINCT FROM (e.subject, e.changed_at)
    UNION ALL
    SELECT 'reputation_events', v.key, NULL, 'an event is there more than once'
    FROM reputation AS v GROUP BY v.key, v.kind HAVING COUNT(*) > 1
    ORDER BY 1, 2
$$;
COMMENT ON FUNCTION event_problems() IS
'How the tables of events differ from the changes of contributions in the log.';

CREATE FUNCTION record_problems() RETURNS TABLE (table_name TEXT, key TEXT, column_name TEXT, problem TEXT)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT * FROM log_problems()
    UNION ALL
    SELECT p.* FROM recorded_tables() AS t CROSS JOIN LATERAL row_problems(t.table_name, t.append_only) AS p
    UNION ALL
    SELECT * FROM history_problems()
    UNION ALL
    SELECT * FROM event_problems()
$$;
COMMENT ON FUNCTION record_problems() IS
'Everything in this database that contradicts the log or the log''s own hashes; no rows if nothing '
'does.';
