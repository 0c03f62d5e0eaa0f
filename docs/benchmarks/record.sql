-- What the record costs, and how the auditors' views answer, with many contributions in one database.
--
--   blindsum db migrate aggregator --database-url postgres://…/bulk
--   psql -X -v contributions=1000000 -f docs/benchmarks/record.sql postgres://…/bulk
--
-- Rounds of a thousand contributions, each through all its states, with headers of 600 bytes, sealed seeds of 160, and no proofs, whose
-- bytes are the same with and without the record. Set-based, so that what is measured is the database's work and not
-- round trips. Some rounds are written without the triggers of the record, for comparison; `audit chain` would find them.
\set ON_ERROR_STOP 1
\set QUIET 1
\pset footer off
SET synchronous_commit = off;

CREATE PROCEDURE pg_temp.play(rounds INTEGER, cohort INTEGER, first INTEGER) LANGUAGE plpgsql AS $$
DECLARE
    id BYTEA;
    n INTEGER;
BEGIN
    FOR n IN first .. first + rounds - 1 LOOP
        id := SUBSTR(SHA256(('round' || n)::BYTEA), 1, 16);
        INSERT INTO models SELECT SHA256(('model' || n)::BYTEA), 1, 'models/' || n, NOW();
        INSERT INTO rounds (
            round_id, round_hash, request_digest, model_digest, document, aggregator_signature, state, dimension, chunks, min_cohort,
            max_contributions, max_attempts, proof, opens_at, earliest_close_at, closes_at, created_at, payout_pool, payout_policy,
            payout_asset
        ) VALUES (
            id, SHA256(id), SHA256(id), SHA256(('model' || n)::BYTEA), REPEAT('d', 800)::BYTEA, REPEAT('s', 64)::BYTEA, 'preparing', 2048, 1,
            2, cohort, 2, 'none', NOW(), NOW(), NOW() + '1 h', NOW(), 1000000, 'equal', 'points'
        );
        UPDATE rounds SET state = 'open', countersignatures = ARRAY[REPEAT('s', 64)::BYTEA], opened_at = NOW() WHERE round_id = id;
        INSERT INTO contributions (
            round_id, contribution_id, header_hash, subject, client_key, weight, header, sealed_seeds, proof, body_location, receipt,
            state, received_at, changed_at
        )
        SELECT
            id, SUBSTR(SHA256((n || 'c' || i)::BYTEA), 1, 16), SHA256((n || 'h' || i)::BYTEA), 'client-' || i, SHA256(i::TEXT::BYTEA), 1,
            SHA256((n || 'x' || i)::BYTEA) || REPEAT('h', 568)::BYTEA, REPEAT('z', 160)::BYTEA, '', 'rounds/' || n || '/' || i,
            REPEAT('r', 94)::BYTEA || '\x00A0724E18090000'::BYTEA || REPEAT('r', 64)::BYTEA, 'received', NOW(), NOW()
        FROM GENERATE_SERIES(1, cohort) AS i;
        UPDATE contributions SET state = 'verified', changed_at = NOW() WHERE round_id = id;
        INSERT INTO attestations SELECT round_id, contribution_id, 1, REPEAT('a', 180)::BYTEA, NOW() FROM contributions WHERE round_id = id;
        UPDATE rounds SET state = 'settling', closed_at = NOW() WHERE round_id = id;
        INSERT INTO round_members
        SELECT round_id, ROW_NUMBER() OVER (ORDER BY header_hash) - 1, contribution_id, header_hash FROM contributions WHERE round_id = id;
        UPDATE rounds SET state = 'folding', root = SHA256(id), fixed_at = NOW() WHERE round_id = id;
        UPDATE rounds SET state = 'releasing', folded_at = NOW() WHERE round_id = id;
        UPDATE rounds SET state = 'unmasking', released_at = NOW() WHERE round_id = id;
        UPDATE contributions SET state = 'included', changed_at = NOW() WHERE round_id = id;
        UPDATE rounds SET state = 'published', ended_at = NOW() WHERE round_id = id;
        INSERT INTO payouts SELECT id, contribution_id, subject, 1, 1000000, 500000, 1000000 / cohort FROM contributions WHERE round_id = id;
        INSERT INTO transfers (kind, round_id, asset, posted_at) VALUES ('round', id, 'points', NOW());
        INSERT INTO postings
        SELECT (SELECT transfer_id FROM transfers WHERE round_id = id), account_id,
            CASE kind WHEN 'treasury' THEN -(1000000 / cohort) * cohort ELSE 1000000 / cohort END
        FROM accounts;
        COMMIT;
    END LOOP;
END
$$;

CREATE PROCEDURE pg_temp.sequence() LANGUAGE plpgsql AS $$
DECLARE
    placed BIGINT;
    height INTEGER := 1;
BEGIN
    LOOP
        SELECT COUNT(*) INTO placed FROM sequence_log(10000);
        COMMIT;
        EXIT WHEN placed = 0;
    END LOOP;
END
$$;

CREATE PROCEDURE pg_temp.add_nodes() LANGUAGE plpgsql AS $$
DECLARE
    height INTEGER := 1;
BEGIN
    LOOP
        EXIT WHEN (SELECT MAX(index) + 1 FROM log_entries) >> height = 0;
        INSERT INTO log_nodes (level, index, hash)
        SELECT height, a.index >> 1, SHA256('\x01'::BYTEA || a.hash || b.hash)
        FROM (SELECT index, leaf_hash AS hash FROM log_entries WHERE height = 1
              UNION ALL SELECT index, hash FROM log_nodes WHERE level = height - 1) AS a
        JOIN (SELECT index, leaf_hash AS hash FROM log_entries WHERE height = 1
              UNION ALL SELECT index, hash FROM log_nodes WHERE level = height - 1) AS b ON b.index = a.index + 1
        WHERE a.index & 1 = 0;
        height := height + 1;
    END LOOP;
    INSERT INTO log_checkpoints SELECT MAX(index) + 1, log_root(MAX(index) + 1), 'not signed', NOW() FROM log_entries;
END
$$;

INSERT INTO participants
SELECT 'client-' || i, SHA256(i::TEXT::BYTEA), 1, REPEAT('c', 180)::BYTEA, NOW(), NOW() FROM GENERATE_SERIES(1, 1000) AS i;
INSERT INTO accounts (kind, subject, asset, opened_at)
SELECT 'participant', subject, 'points', NOW() FROM participants UNION ALL VALUES ('treasury', NULL, 'points', NOW());
CREATE TEMP TABLE times (what TEXT, began TIMESTAMPTZ, ended TIMESTAMPTZ);
SELECT GREATEST(:contributions / 100000, 1) AS sample, :contributions / 1000 AS rounds \gset

-- Without the record: the same rows, the triggers of the log off.
\echo 'writing without the record'
ALTER TABLE contributions DISABLE TRIGGER contributions_recorded;
ALTER TABLE attestations DISABLE TRIGGER attestations_recorded;
ALTER TABLE round_members DISABLE TRIGGER round_members_recorded;
ALTER TABLE payouts DISABLE TRIGGER payouts_recorded;
ALTER TABLE postings DISABLE TRIGGER postings_recorded;
INSERT INTO times VALUES ('without', CLOCK_TIMESTAMP());
CALL pg_temp.play(:sample, 1000, 100000000);
UPDATE times SET ended = CLOCK_TIMESTAMP() WHERE what = 'without';
ALTER TABLE contributions ENABLE TRIGGER contributions_recorded;
ALTER TABLE attestations ENABLE TRIGGER attestations_recorded;
ALTER TABLE round_members ENABLE TRIGGER round_members_recorded;
ALTER TABLE payouts ENABLE TRIGGER payouts_recorded;
ALTER TABLE postings ENABLE TRIGGER postings_recorded;

\echo 'writing with the record'
INSERT INTO times VALUES ('first', CLOCK_TIMESTAMP());
CALL pg_temp.play(:sample, 1000, 1);
UPDATE times SET ended = CLOCK_TIMESTAMP() WHERE what = 'first';
CALL pg_temp.play(:rounds - 2 * :sample, 1000, 1 + :sample);
INSERT INTO times VALUES ('last', CLOCK_TIMESTAMP());
CALL pg_temp.play(:sample, 1000, 1 + :rounds - :sample);
UPDATE times SET ended = CLOCK_TIMESTAMP() WHERE what = 'last';
\echo 'sequencing'
INSERT INTO times VALUES ('sequence', CLOCK_TIMESTAMP());
CALL pg_temp.sequence();
UPDATE times SET ended = CLOCK_TIMESTAMP() WHERE what = 'sequence';
ANALYZE log_entries;
CALL pg_temp.add_nodes();
VACUUM (ANALYZE);

\echo
\echo 'milliseconds a contribution: without the record; with it, the first and the last rounds; sequencing'
SELECT what, ROUND((EXTRACT(EPOCH FROM ended - began) * 1000
    / CASE what WHEN 'sequence' THEN :rounds * 1000 ELSE :sample * 1000 END)::NUMERIC, 3) AS ms
FROM times ORDER BY began;
\echo 'rows and bytes a contribution'
SELECT c.relname AS table, ROUND(c.reltuples::NUMERIC / (1000 * :rounds), 2) AS rows,
    ROUND(PG_TOTAL_RELATION_SIZE(c.oid)::NUMERIC / (1000 * :rounds)) AS bytes
FROM pg_class AS c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::REGNAMESPACE AND c.reltuples > 1000 ORDER BY 3 DESC;
SELECT PG_SIZE_PRETTY(PG_DATABASE_SIZE(CURRENT_DATABASE())) AS database;

\echo 'views, as an auditor asks them'
\timing on
\o /dev/null
\echo 'a round''s contributions'
SELECT * FROM audit.contributions WHERE round = 7;
\echo 'a participant''s history'
SELECT * FROM audit.contribution_history WHERE subject = 'client-7' ORDER BY round LIMIT 100;
\echo 'a participant''s earnings'
SELECT * FROM audit.payouts WHERE subject = 'client-7' ORDER BY round;
\echo 'receipts of a round, with entries and checkpoints'
SELECT * FROM audit.receipts WHERE round = 7;
\echo 'receipts that wait'
SELECT * FROM audit.receipts_waiting;
\echo 'the log about a contribution'
SELECT * FROM audit.log WHERE table_name = 'contributions' AND key = (SELECT key FROM log_entries WHERE index = 5000);
\echo 'all balances'
SELECT * FROM audit.balances;
\echo 'a round''s rejections'
SELECT reason, COUNT(*) FROM audit.contributions WHERE round = 7 AND state = 'rejected' GROUP BY reason;
