-- The entry of the log that records a row: one function log_entry for each recorded table.

CREATE FUNCTION log_bytes(value BYTEA) RETURNS TEXT LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN OCTET_LENGTH(value) <= 32 THEN ENCODE(value, 'hex')
        ELSE 'sha256:' || ENCODE(SHA256(value), 'hex')
    END
$$;
COMMENT ON FUNCTION log_bytes(BYTEA) IS
'Bytes as the log names them: at most 32 bytes in hexadecimal, more than 32 by their SHA-256. The '
'prefix sha256: tells the two apart.';

CREATE FUNCTION log_bytes(list BYTEA []) RETURNS JSONB LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT COALESCE(JSONB_AGG(log_bytes(value) ORDER BY position), '[]')
    FROM UNNEST(list) WITH ORDINALITY AS l (value, position)
$$;
COMMENT ON FUNCTION log_bytes(BYTEA []) IS 'A list of bytes as the log names them.';

CREATE FUNCTION log_time(value TIMESTAMPTZ) RETURNS JSONB LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN ISFINITE(value) THEN TO_JSONB((EXTRACT(EPOCH FROM value) * 1000000)::BIGINT)
        ELSE TO_JSONB(value::TEXT)
    END
$$;
COMMENT ON FUNCTION log_time(TIMESTAMPTZ) IS
'A time as the log names it: microseconds since the Unix epoch.';

CREATE FUNCTION log_entry(r PARTICIPANTS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT('table', 'participants', 'key', r.subject, 'row', JSONB_BUILD_OBJECT(
        'subject', r.subject, 'client_key', log_bytes(r.client_key), 'credential_epoch', r.credential_epoch,
        'credential', log_bytes(r.credential), 'enrolled_at', log_time(r.enrolled_at), 'renewed_at', log_time(r.renewed_at)
    ))
$$;

CREATE FUNCTION log_entry(r CREDENTIALS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT('table', 'credentials', 'key', r.subject || '/' || r.epoch, 'row', JSONB_BUILD_OBJECT(
        'subject', r.subject, 'epoch', r.epoch, 'client_key', log_bytes(r.client_key),
        'credential', log_bytes(r.credential), 'enrolled_at', log_time(r.enrolled_at)
    ))
$$;

CREATE FUNCTION log_entry(r MODELS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT('table', 'models', 'key', log_bytes(r.digest), 'row', JSONB_BUILD_OBJECT(
        'digest', log_bytes(r.digest), 'bytes', r.bytes, 'object_name', r.object_name, 'stored_at', log_time(r.stored_at)
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
        'ended_at', log_time(r.ended_at), 'sequence', r.sequence, 'payout_pool', r.payout_pool::TEXT,
        'payout_policy', r.payout_policy, 'payout_asset', r.payout_asset, 'min_reputation_ppm', r.min_reputation_ppm
    ))
$$;

CREATE FUNCTION log_entry(r CONTRIBUTIONS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT(
        'table', 'contributions', 'key', log_bytes(r.round_id) || '/' || log_bytes(r.contribution_id),
        'row', JSONB_BUILD_OBJECT(
            'round_id', log_bytes(r.round_id), 'contribution_id', log_bytes(r.contribution_id),
            'header_hash', log_bytes(r.header_hash), 'subject', r.subject, 'client_key', log_bytes(r.client_key),
            'weight', r.weight, 'header', log_bytes(r.header), 'sealed_seeds', log_bytes(r.sealed_seeds),
            'proof', log_bytes(r.proof), 'body_object_name', r.body_object_name, 'receipt', log_bytes(r.receipt),
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

CREATE FUNCTION log_entry(r SIGNED_REFUSALS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT(
        'table', 'signed_refusals',
        'key', log_bytes(r.round_id) || '/' || log_bytes(r.contribution_id) || '/' || r.holder,
        'row', JSONB_BUILD_OBJECT(
            'round_id', log_bytes(r.round_id), 'contribution_id', log_bytes(r.contribution_id), 'holder', r.holder,
            'refusal', log_bytes(r.refusal), 'stored_at', log_time(r.stored_at)
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

CREATE FUNCTION log_entry(r ERASURES) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT('table', 'erasures', 'key', log_bytes(r.round_id), 'row', JSONB_BUILD_OBJECT(
        'round_id', log_bytes(r.round_id), 'erased_at', log_time(r.erased_at)
    ))
$$;

CREATE FUNCTION log_entry(r ACCOUNTS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT('table', 'accounts', 'key', r.account_id::TEXT, 'row', JSONB_BUILD_OBJECT(
        'account_id', r.account_id, 'kind', r.kind, 'subject', r.subject, 'asset', r.asset, 'opened_at', log_time(r.opened_at)
    ))
$$;

CREATE FUNCTION log_entry(r PAYOUTS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT(
        'table', 'payouts', 'key', log_bytes(r.round_id) || '/' || log_bytes(r.contribution_id),
        'row', JSONB_BUILD_OBJECT(
            'round_id', log_bytes(r.round_id), 'contribution_id', log_bytes(r.contribution_id), 'subject', r.subject,
            'weight', r.weight, 'score_ppm', r.score_ppm, 'reputation_ppm', r.reputation_ppm, 'amount', r.amount::TEXT
        )
    )
$$;

CREATE FUNCTION log_entry(r CLAIM_ADDRESSES) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT(
        'table', 'claim_addresses', 'key', r.subject || '/' || r.chain_id || '/' || r.sequence,
        'row', JSONB_BUILD_OBJECT(
            'subject', r.subject, 'chain_id', r.chain_id, 'sequence', r.sequence,
            'address', log_bytes(r.address), 'message', log_bytes(r.message), 'stored_at', log_time(r.stored_at)
        )
    )
$$;

CREATE FUNCTION log_entry(r PAYOUT_BATCHES) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT('table', 'payout_batches', 'key', r.batch_id::TEXT, 'row', JSONB_BUILD_OBJECT(
        'batch_id', r.batch_id, 'round_id', log_bytes(r.round_id), 'asset', r.asset, 'root', log_bytes(r.root),
        'lines', r.lines, 'total', r.total::TEXT, 'made_at', log_time(r.made_at)
    ))
$$;

CREATE FUNCTION log_entry(r PAYOUT_LINES) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT('table', 'payout_lines', 'key', r.batch_id || '/' || r.subject, 'row', JSONB_BUILD_OBJECT(
        'batch_id', r.batch_id, 'subject', r.subject, 'address', log_bytes(r.address),
        'amount', r.amount::TEXT
    ))
$$;

CREATE FUNCTION log_entry(r PAYMENTS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT('table', 'payments', 'key', r.batch_id::TEXT, 'row', JSONB_BUILD_OBJECT(
        'batch_id', r.batch_id, 'reference', r.reference, 'paid_at', log_time(r.paid_at)
    ))
$$;

CREATE FUNCTION log_entry(r TRANSFERS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT('table', 'transfers', 'key', r.transfer_id::TEXT, 'row', JSONB_BUILD_OBJECT(
        'transfer_id', r.transfer_id, 'kind', r.kind, 'round_id', log_bytes(r.round_id), 'batch_id', r.batch_id,
        'asset', r.asset, 'posted_at', log_time(r.posted_at)
    ))
$$;

CREATE FUNCTION log_entry(r POSTINGS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT('table', 'postings', 'key', r.transfer_id || '/' || r.account_id, 'row', JSONB_BUILD_OBJECT(
        'transfer_id', r.transfer_id, 'account_id', r.account_id, 'amount', r.amount::TEXT
    ))
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

CREATE FUNCTION recorded_tables() RETURNS TABLE (table_name TEXT, append_only BOOLEAN)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    VALUES
    ('participants', FALSE), ('credentials', TRUE), ('models', TRUE), ('rounds', FALSE), ('contributions', FALSE),
    ('attestations', TRUE), ('signed_refusals', TRUE), ('round_members', TRUE), ('release_answers', TRUE), ('results', TRUE),
    ('erasures', TRUE), ('accounts', TRUE),
    ('payouts', TRUE), ('claim_addresses', TRUE), ('payout_batches', TRUE), ('payout_lines', TRUE),
    ('payments', TRUE), ('transfers', TRUE), ('postings', TRUE), ('log_checkpoints', TRUE)
$$;
COMMENT ON FUNCTION recorded_tables() IS
'The tables whose rows the log records. Each row of an append-only table has one entry.';
