-- What the record costs, and how fast the auditors' views answer, with few and with many
-- contributions in one database. As a superuser:
--
--   blindsum db migrate aggregator --database-url postgres://…/bulk
--   psql -X -v contributions=1000000 -f docs/benchmarks/record.sql postgres://…/bulk
--
-- Each round has a thousand contributions, which go through all their states, with headers of 600
-- bytes and sealed seeds of 2344. They have no proofs, whose bytes are the same with and without
-- the record. A few rounds are written without the triggers of the record, then a few with them,
-- into an empty database. One of these is copied, row by row and entry by entry and without
-- triggers, until there are as many contributions as asked for. Then a few are written again. All
-- statements work on sets, so that the database's work is measured and not round trips. `audit
-- chain` would find the rounds without a record, and that no checkpoint is signed.
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
            payout_asset, release_by, observed_ms
        ) VALUES (
            id, SHA256(id), SHA256(id), SHA256(('model' || n)::BYTEA), REPEAT('d', 800)::BYTEA, REPEAT('s', 64)::BYTEA, 'preparing', 2048, 1,
            2, cohort, 2, 'none', NOW(), NOW(), NOW() + '1 h', NOW(), 1000000, 'equal', 'points', NOW() + '1 day', 0
        );
        UPDATE rounds SET state = 'open', countersignatures = ARRAY[REPEAT('s', 64)::BYTEA], opened_at = NOW() WHERE round_id = id;
        INSERT INTO contributions (
            round_id, contribution_id, header_hash, subject, client_key, weight, commitment, header, sealed_seeds, proof,
            body_object_name, receipt, state, received_at, changed_at
        )
        SELECT
            id, SUBSTR(SHA256((n || 'c' || i)::BYTEA), 1, 16), SHA256((n || 'h' || i)::BYTEA), 'client-' || i, SHA256(i::TEXT::BYTEA), 1,
            SHA256((n || 'p' || i)::BYTEA),
            SHA256((n || 'x' || i)::BYTEA) || REPEAT('h', 568)::BYTEA, REPEAT('z', 2344)::BYTEA, '', 'rounds/' || n || '/' || i,
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

-- Copies the round that was played as number `n` into `copies` others, with its log. The entries
-- of postings are left out, because they do not name the round.
CREATE PROCEDURE pg_temp.copy_round(n INTEGER, copies INTEGER) LANGUAGE plpgsql AS $$
DECLARE
    old BYTEA := SUBSTR(SHA256(('round' || n)::BYTEA), 1, 16);
    new BYTEA;
    newest BIGINT := (SELECT MAX(sequence) FROM rounds);
    size BIGINT := (SELECT MAX(index) + 1 FROM log_entries);
    transfer BIGINT;
    i INTEGER;
    entry rounds%ROWTYPE;
BEGIN
    CREATE TEMP TABLE copied_entries AS
    SELECT ROW_NUMBER() OVER (ORDER BY e.index) - 1 AS index, e.payload FROM log_entries AS e
    WHERE e.payload LIKE '%' || ENCODE(old, 'hex') || '%';
    SELECT * INTO entry FROM rounds WHERE round_id = old;
    FOR i IN 1 .. copies LOOP
        new := SUBSTR(SHA256(('copy' || i)::BYTEA), 1, 16);
        entry.round_id := new;
        entry.round_hash := SHA256(new);
        entry.request_digest := SHA256(new);
        entry.sequence := newest + i;
        INSERT INTO rounds SELECT entry.*;
        INSERT INTO contributions (
            round_id, contribution_id, header_hash, subject, client_key, weight, commitment, header, sealed_seeds, proof,
            body_object_name, receipt, state, received_at, changed_at
        )
        SELECT
            new, contribution_id, header_hash, subject, client_key, weight, commitment, header, sealed_seeds, proof,
            'copies/' || i || '/' || subject, receipt, state, received_at, changed_at
        FROM contributions WHERE round_id = old;
        INSERT INTO contribution_events (round_id, contribution_id, state, reason, happened_at)
        SELECT new, contribution_id, state, reason, happened_at FROM contribution_events WHERE round_id = old;
        INSERT INTO reputation_events (subject, round_id, contribution_id, kind, happened_at)
        SELECT subject, new, contribution_id, kind, happened_at FROM reputation_events WHERE round_id = old;
        INSERT INTO attestations
        SELECT new, contribution_id, holder, attestation, stored_at FROM attestations WHERE round_id = old;
        INSERT INTO round_members SELECT new, index, contribution_id, header_hash FROM round_members WHERE round_id = old;
        INSERT INTO payouts
        SELECT new, contribution_id, subject, weight, score_ppm, reputation_ppm, amount FROM payouts WHERE round_id = old;
        INSERT INTO transfers (kind, round_id, asset, posted_at) VALUES ('round', new, 'points', NOW())
        RETURNING transfer_id INTO transfer;
        INSERT INTO postings
        SELECT transfer, p.account_id, p.amount FROM postings AS p JOIN transfers AS t USING (transfer_id) WHERE t.round_id = old;
        INSERT INTO log_entries (index, payload, leaf_hash, recorded_at, sequenced_at)
        SELECT size + index, payload, SHA256('\x00'::BYTEA || CONVERT_TO(payload, 'UTF8')), NOW(), NOW()
        FROM (SELECT index, REPLACE(payload, ENCODE(old, 'hex'), ENCODE(new, 'hex')) AS payload FROM copied_entries) AS e;
        size := size + (SELECT COUNT(*) FROM copied_entries);
        COMMIT;
    END LOOP;
END
$$;

CREATE PROCEDURE pg_temp.sequence() LANGUAGE plpgsql AS $$
DECLARE
    numbered BIGINT;
BEGIN
    LOOP
        SELECT COUNT(*) INTO numbered FROM sequence_log(10000);
        COMMIT;
        EXIT WHEN numbered = 0;
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
        SELECT height, n.index >> 1, SHA256('\x01'::BYTEA || STRING_AGG(n.hash, ''::BYTEA ORDER BY n.index))
        FROM (SELECT index, leaf_hash AS hash FROM log_entries WHERE height = 1
              UNION ALL SELECT index, hash FROM log_nodes WHERE level = height - 1) AS n
        GROUP BY n.index >> 1 HAVING COUNT(*) = 2;
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
-- Rounds in each sample.
\set sample 3
SELECT GREATEST(:contributions / 1000 - 3 * :sample, 0) AS copies \gset

\echo 'writing without the record'
ALTER TABLE contributions DISABLE TRIGGER contributions_recorded;
ALTER TABLE attestations DISABLE TRIGGER attestations_recorded;
ALTER TABLE round_members DISABLE TRIGGER round_members_recorded;
ALTER TABLE payouts DISABLE TRIGGER payouts_recorded;
ALTER TABLE postings DISABLE TRIGGER postings_recorded;
INSERT INTO times VALUES ('without the record', CLOCK_TIMESTAMP());
CALL pg_temp.play(:sample, 1000, 100000000);
UPDATE times SET ended = CLOCK_TIMESTAMP() WHERE what = 'without the record';
ALTER TABLE contributions ENABLE TRIGGER contributions_recorded;
ALTER TABLE attestations ENABLE TRIGGER attestations_recorded;
ALTER TABLE round_members ENABLE TRIGGER round_members_recorded;
ALTER TABLE payouts ENABLE TRIGGER payouts_recorded;
ALTER TABLE postings ENABLE TRIGGER postings_recorded;
CALL pg_temp.sequence();

\echo 'writing with the record'
INSERT INTO times VALUES ('with it, first rounds', CLOCK_TIMESTAMP());
CALL pg_temp.play(:sample, 1000, 1);
UPDATE times SET ended = CLOCK_TIMESTAMP() WHERE what = 'with it, first rounds';
INSERT INTO times VALUES ('indexes in the log, first rounds', CLOCK_TIMESTAMP());
CALL pg_temp.sequence();
UPDATE times SET ended = CLOCK_TIMESTAMP() WHERE what = 'indexes in the log, first rounds';

\echo 'copying'
SET session_replication_role = replica;
CALL pg_temp.copy_round(1, :copies);
SET session_replication_role = origin;
ANALYZE;

\echo 'writing with the record'
INSERT INTO times VALUES ('with it, last rounds', CLOCK_TIMESTAMP());
CALL pg_temp.play(:sample, 1000, 200000000);
UPDATE times SET ended = CLOCK_TIMESTAMP() WHERE what = 'with it, last rounds';
INSERT INTO times VALUES ('indexes in the log, last rounds', CLOCK_TIMESTAMP());
CALL pg_temp.sequence();
UPDATE times SET ended = CLOCK_TIMESTAMP() WHERE what = 'indexes in the log, last rounds';
\echo 'nodes'
CALL pg_temp.add_nodes();
VACUUM (ANALYZE);
SELECT COUNT(*) AS written FROM contributions \gset

\echo
\echo 'milliseconds a contribution'
SELECT what, ROUND((EXTRACT(EPOCH FROM ended - began) * 1000 / (1000 * :sample))::NUMERIC, 3) AS ms FROM times ORDER BY began;
\echo 'rows and bytes a contribution'
SELECT c.relname AS table, ROUND(c.reltuples::NUMERIC / :written, 2) AS rows,
    ROUND(PG_TOTAL_RELATION_SIZE(c.oid)::NUMERIC / :written) AS bytes
FROM pg_class AS c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::REGNAMESPACE AND c.reltuples >= :written / 10 ORDER BY 3 DESC;
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
