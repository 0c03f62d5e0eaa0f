-- The record: every row that matters is written, by the database itself and in the same transaction, to an outbox from
-- which a Merkle log is filled. What is in the tables already is recorded as it is. Locks each recorded table while its
-- triggers are made and its rows are read; code that knows nothing of the log runs on.

CREATE FUNCTION log_bytes(value BYTEA) RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN OCTET_LENGTH(value) <= 32 THEN ENCODE(value, 'hex') ELSE 'sha256:' || ENCODE(SHA256(value), 'hex') END
$$;
COMMENT ON FUNCTION log_bytes(BYTEA) IS
'Bytes as the log names them: at most 32 in hexadecimal, more by their SHA-256, which the prefix tells apart.';

CREATE FUNCTION log_bytes(list BYTEA []) RETURNS JSONB LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT COALESCE(JSONB_AGG(log_bytes(value) ORDER BY position), '[]') FROM UNNEST(list) WITH ORDINALITY AS l (value, position)
$$;
COMMENT ON FUNCTION log_bytes(BYTEA []) IS 'A list of bytes as the log names them.';

CREATE FUNCTION log_time(value TIMESTAMPTZ) RETURNS JSONB LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN ISFINITE(value) THEN TO_JSONB((EXTRACT(EPOCH FROM value) * 1000000)::BIGINT) ELSE TO_JSONB(value::TEXT) END
$$;
COMMENT ON FUNCTION log_time(TIMESTAMPTZ) IS 'A time as the log names it: microseconds since the Unix epoch.';

CREATE TABLE log_outbox (
    outbox_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payload TEXT COLLATE "C" NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    table_name TEXT COLLATE "C" GENERATED ALWAYS AS (payload::JSONB ->> 'table') STORED,
    key TEXT COLLATE "C" GENERATED ALWAYS AS (payload::JSONB ->> 'key') STORED
);
COMMENT ON TABLE log_outbox IS 'Entries that have no place in the log yet. Written by triggers, in the transaction of the row that they record.';
COMMENT ON COLUMN log_outbox.outbox_id IS 'Order of writing.';
COMMENT ON COLUMN log_outbox.payload IS 'The entry: JSON text with the table, the key and the protected columns of a row.';
COMMENT ON COLUMN log_outbox.recorded_at IS 'When the row was written.';
COMMENT ON COLUMN log_outbox.table_name IS 'The table that the payload names.';
COMMENT ON COLUMN log_outbox.key IS 'The key that the payload names.';

CREATE TABLE log_entries (
    index BIGINT PRIMARY KEY CHECK (index >= 0),
    payload TEXT COLLATE "C" NOT NULL,
    leaf_hash BYTEA NOT NULL CHECK (OCTET_LENGTH(leaf_hash) = 32),
    recorded_at TIMESTAMPTZ NOT NULL,
    sequenced_at TIMESTAMPTZ NOT NULL,
    table_name TEXT COLLATE "C" GENERATED ALWAYS AS (payload::JSONB ->> 'table') STORED,
    key TEXT COLLATE "C" GENERATED ALWAYS AS (payload::JSONB ->> 'key') STORED
);
COMMENT ON TABLE log_entries IS 'The log: the leaves of a Merkle tree (RFC 9162 §2.1); append-only.';
COMMENT ON COLUMN log_entries.index IS 'Position in the log, from 0 and without gaps.';
COMMENT ON COLUMN log_entries.payload IS 'The entry, the data of the leaf: JSON text with the table, the key and the protected columns of a row.';
COMMENT ON COLUMN log_entries.leaf_hash IS 'SHA-256 of a zero byte and the payload.';
COMMENT ON COLUMN log_entries.recorded_at IS 'When the row was written.';
COMMENT ON COLUMN log_entries.sequenced_at IS 'When the entry got its place.';
COMMENT ON COLUMN log_entries.table_name IS 'The table that the payload names.';
COMMENT ON COLUMN log_entries.key IS 'The key that the payload names.';
CREATE INDEX log_entries_of ON log_entries (table_name, key, index);

CREATE TABLE log_nodes (
    level SMALLINT NOT NULL CHECK (level BETWEEN 1 AND 62),
    index BIGINT NOT NULL CHECK (index >= 0),
    hash BYTEA NOT NULL CHECK (OCTET_LENGTH(hash) = 32),
    PRIMARY KEY (level, index)
);
COMMENT ON TABLE log_nodes IS 'Roots of the full subtrees of the log above its leaves, from which proofs are made; append-only.';
COMMENT ON COLUMN log_nodes.level IS 'Height: the subtree has two to this power leaves.';
COMMENT ON COLUMN log_nodes.index IS 'Position among the subtrees of this height.';
COMMENT ON COLUMN log_nodes.hash IS 'SHA-256 of a one byte and the two children.';

CREATE TABLE log_checkpoints (
    size BIGINT PRIMARY KEY CHECK (size > 0),
    root BYTEA NOT NULL CHECK (OCTET_LENGTH(root) = 32),
    note TEXT NOT NULL,
    signed_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE log_checkpoints IS 'What the aggregator has signed about the log; append-only, and recorded in the log that follows.';
COMMENT ON COLUMN log_checkpoints.size IS 'Entries that are covered.';
COMMENT ON COLUMN log_checkpoints.root IS 'Root of the tree of these entries.';
COMMENT ON COLUMN log_checkpoints.note IS 'The signed note.';
COMMENT ON COLUMN log_checkpoints.signed_at IS 'When it was signed.';

CREATE FUNCTION log_entry(r PARTICIPANTS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT('table', 'participants', 'key', r.subject, 'row', JSONB_BUILD_OBJECT(
        'subject', r.subject, 'client_key', log_bytes(r.client_key), 'credential_epoch', r.credential_epoch,
        'credential', log_bytes(r.credential), 'enrolled_at', log_time(r.enrolled_at), 'renewed_at', log_time(r.renewed_at)
    ))
$$;

CREATE FUNCTION log_entry(r MODELS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT('table', 'models', 'key', log_bytes(r.digest), 'row', JSONB_BUILD_OBJECT(
        'digest', log_bytes(r.digest), 'bytes', r.bytes, 'location', r.location, 'stored_at', log_time(r.stored_at)
    ))
$$;

CREATE FUNCTION log_entry(r ROUNDS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT('table', 'rounds', 'key', log_bytes(r.round_id), 'row', JSONB_BUILD_OBJECT(
        'round_id', log_bytes(r.round_id), 'round_hash', log_bytes(r.round_hash),
        'model_digest', log_bytes(r.model_digest), 'document', log_bytes(r.document),
        'aggregator_signature', log_bytes(r.aggregator_signature), 'countersignatures', log_bytes(r.countersignatures),
        'state', r.state, 'dimension', r.dimension, 'chunks', r.chunks, 'min_cohort', r.min_cohort,
        'max_contributions', r.max_contributions, 'max_attempts', r.max_attempts, 'proof', r.proof,
        'opens_at', log_time(r.opens_at), 'earliest_close_at', log_time(r.earliest_close_at),
        'closes_at', log_time(r.closes_at), 'root', log_bytes(r.root), 'failure_code', r.failure_code,
        'created_at', log_time(r.created_at), 'opened_at', log_time(r.opened_at), 'closed_at', log_time(r.closed_at),
        'fixed_at', log_time(r.fixed_at), 'folded_at', log_time(r.folded_at), 'released_at', log_time(r.released_at),
        'ended_at', log_time(r.ended_at)
    ))
$$;

CREATE FUNCTION log_entry(r CONTRIBUTIONS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT(
        'table', 'contributions', 'key', log_bytes(r.round_id) || '/' || log_bytes(r.contribution_id),
        'row', JSONB_BUILD_OBJECT(
            'round_id', log_bytes(r.round_id), 'contribution_id', log_bytes(r.contribution_id),
            'header_hash', log_bytes(r.header_hash), 'subject', r.subject, 'client_key', log_bytes(r.client_key),
            'weight', r.weight, 'header', log_bytes(r.header), 'sealed_seeds', log_bytes(r.sealed_seeds),
            'proof', log_bytes(r.proof), 'body_location', r.body_location, 'receipt', log_bytes(r.receipt),
            'state', r.state, 'reason', r.reason, 'received_at', log_time(r.received_at),
            'changed_at', log_time(r.changed_at)
        )
    )
$$;

CREATE FUNCTION log_entry(r ATTESTATIONS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT(
        'table', 'attestations',
        'key', log_bytes(r.round_id) || '/' || log_bytes(r.contribution_id) || '/' || r.holder,
        'row', JSONB_BUILD_OBJECT(
            'round_id', log_bytes(r.round_id), 'contribution_id', log_bytes(r.contribution_id), 'holder', r.holder,
            'attestation', log_bytes(r.attestation), 'stored_at', log_time(r.stored_at)
        )
    )
$$;

CREATE FUNCTION log_entry(r ROUND_MEMBERS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT(
        'table', 'round_members', 'key', log_bytes(r.round_id) || '/' || r.index,
        'row', JSONB_BUILD_OBJECT(
            'round_id', log_bytes(r.round_id), 'index', r.index, 'contribution_id', log_bytes(r.contribution_id),
            'header_hash', log_bytes(r.header_hash)
        )
    )
$$;

CREATE FUNCTION log_entry(r RELEASE_ANSWERS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT(
        'table', 'release_answers', 'key', log_bytes(r.round_id) || '/' || r.holder,
        'row', JSONB_BUILD_OBJECT(
            'round_id', log_bytes(r.round_id), 'holder', r.holder, 'answer', log_bytes(r.answer),
            'stored_at', log_time(r.stored_at)
        )
    )
$$;

CREATE FUNCTION log_entry(r RESULTS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT(
        'table', 'results', 'key', log_bytes(r.round_id),
        'row', JSONB_BUILD_OBJECT(
            'round_id', log_bytes(r.round_id), 'count', r.count, 'total_weight', r.total_weight,
            'sum_digest', log_bytes(r.sum_digest), 'residual_max', r.residual_max,
            'mean_norm', ENCODE(FLOAT8SEND(r.mean_norm), 'hex'),
            'tensors', 'sha256:' || ENCODE(SHA256(CONVERT_TO(r.tensors::TEXT, 'UTF8')), 'hex'),
            'result', log_bytes(r.result), 'published_at', log_time(r.published_at)
        )
    )
$$;

CREATE FUNCTION log_entry(r LOG_CHECKPOINTS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT(
        'table', 'log_checkpoints', 'key', r.size::TEXT,
        'row', JSONB_BUILD_OBJECT(
            'size', r.size, 'root', log_bytes(r.root), 'note', log_bytes(CONVERT_TO(r.note, 'UTF8')),
            'signed_at', log_time(r.signed_at)
        )
    )
$$;

CREATE FUNCTION record_in_log() RETURNS TRIGGER LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
'Trigger of the recorded tables: appends a row, as it is now, to the outbox of the log. Runs as its owner, so that nobody else needs to, or can, write there.';

-- Rows of these change their state; each change is an entry.
CREATE TRIGGER participants_recorded AFTER INSERT OR UPDATE ON participants
FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER rounds_recorded AFTER INSERT OR UPDATE OF
round_id, round_hash, model_digest, document, aggregator_signature, countersignatures, state, dimension, chunks,
min_cohort, max_contributions, max_attempts, proof, opens_at, earliest_close_at, closes_at, root, failure_code,
created_at, opened_at, closed_at, fixed_at, folded_at, released_at, ended_at ON rounds
FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER contributions_recorded AFTER INSERT OR UPDATE OF
round_id, contribution_id, header_hash, subject, client_key, weight, header, sealed_seeds, proof, body_location, receipt,
state, reason, received_at, changed_at ON contributions
FOR EACH ROW EXECUTE FUNCTION record_in_log();
-- Rows of these never change.
CREATE TRIGGER models_recorded AFTER INSERT ON models FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER attestations_recorded AFTER INSERT ON attestations FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER round_members_recorded AFTER INSERT ON round_members FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER release_answers_recorded AFTER INSERT ON release_answers FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER results_recorded AFTER INSERT ON results FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER log_checkpoints_recorded AFTER INSERT ON log_checkpoints FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER participants_kept BEFORE DELETE OR TRUNCATE ON participants
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER models_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON models
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_outbox_kept BEFORE UPDATE OR TRUNCATE ON log_outbox
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_entries_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_nodes_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON log_nodes
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_checkpoints_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON log_checkpoints
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- An event is written with its contribution, by whoever writes that.
ALTER FUNCTION record_contribution_event() SECURITY DEFINER SET search_path = public, pg_temp;

CREATE FUNCTION sequence_log(batch INTEGER) RETURNS TABLE (index BIGINT, leaf_hash BYTEA)
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

INSERT INTO log_outbox (payload) SELECT log_entry(r)::TEXT FROM participants AS r ORDER BY r.enrolled_at, r.subject;
INSERT INTO log_outbox (payload) SELECT log_entry(r)::TEXT FROM models AS r ORDER BY r.stored_at, r.digest;
INSERT INTO log_outbox (payload) SELECT log_entry(r)::TEXT FROM contributions AS r ORDER BY r.received_at, r.contribution_id;
INSERT INTO log_outbox (payload) SELECT log_entry(r)::TEXT FROM attestations AS r ORDER BY r.stored_at, r.contribution_id, r.holder;
INSERT INTO log_outbox (payload) SELECT log_entry(r)::TEXT FROM round_members AS r ORDER BY r.round_id, r.index;
INSERT INTO log_outbox (payload) SELECT log_entry(r)::TEXT FROM release_answers AS r ORDER BY r.round_id, r.holder;
INSERT INTO log_outbox (payload) SELECT log_entry(r)::TEXT FROM results AS r ORDER BY r.published_at, r.round_id;
