-- The set of a round, the holders' answers, the chunks of the sum, the result.

CREATE TABLE round_members (
    round_id BYTEA NOT NULL,
    index INTEGER NOT NULL CHECK (index >= 0),
    contribution_id BYTEA NOT NULL,
    header_hash BYTEA NOT NULL,
    PRIMARY KEY (round_id, index),
    UNIQUE (round_id, contribution_id),
    FOREIGN KEY (round_id, contribution_id) REFERENCES contributions,
    FOREIGN KEY (round_id, header_hash) REFERENCES contributions (round_id, header_hash)
);
COMMENT ON TABLE round_members IS
'The set of a round, in ascending order of header hashes; append-only.';
COMMENT ON COLUMN round_members.round_id IS 'The round.';
COMMENT ON COLUMN round_members.index IS 'Index among the leaves of the set root, from 0.';
COMMENT ON COLUMN round_members.contribution_id IS 'The contribution.';
COMMENT ON COLUMN round_members.header_hash IS 'Hash of its header, the data of the leaf.';

CREATE TABLE release_answers (
    round_id BYTEA NOT NULL REFERENCES rounds,
    holder SMALLINT NOT NULL CHECK (holder BETWEEN 0 AND 7),
    answer BYTEA NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_id, holder)
);
COMMENT ON TABLE release_answers IS
'Sums of key shares over the set, one for each holder; append-only.';
COMMENT ON COLUMN release_answers.round_id IS 'The round.';
COMMENT ON COLUMN release_answers.holder IS 'Index of the holder; 0 is the aggregator.';
COMMENT ON COLUMN release_answers.answer IS 'The signed answer, canonical encoding.';
COMMENT ON COLUMN release_answers.stored_at IS 'When it was checked and stored.';

CREATE TABLE release_waits (
    round_id BYTEA PRIMARY KEY REFERENCES rounds,
    holder SMALLINT NOT NULL CHECK (holder BETWEEN 1 AND 7),
    reason TEXT NOT NULL CHECK (reason ~ '^[a-z-]{1,64}$'),
    since TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE release_waits IS
'The combiner whose sum of key shares a round waits for. A row of a round that is no longer releasing '
'means nothing.';
COMMENT ON COLUMN release_waits.round_id IS 'The round.';
COMMENT ON COLUMN release_waits.holder IS 'Index of the combiner.';
COMMENT ON COLUMN release_waits.reason IS 'Code of the problem.';
COMMENT ON COLUMN release_waits.since IS 'When the round first waited for this combiner and reason.';

CREATE TABLE sum_chunks (
    round_id BYTEA NOT NULL REFERENCES rounds,
    chunk INTEGER NOT NULL CHECK (chunk >= 0),
    folded_digest BYTEA CHECK (octet_length(folded_digest) = 32),
    folded_at TIMESTAMPTZ NOT NULL,
    digest BYTEA CHECK (octet_length(digest) = 32),
    residual_max BIGINT CHECK (residual_max >= 0),
    unmasked_at TIMESTAMPTZ,
    PRIMARY KEY (round_id, chunk),
    CHECK ((digest IS NULL) = (unmasked_at IS NULL) AND (residual_max IS NULL) = (unmasked_at IS NULL))
);
COMMENT ON TABLE sum_chunks IS 'Chunks of the sum that are in the object store.';
COMMENT ON COLUMN sum_chunks.round_id IS 'The round.';
COMMENT ON COLUMN sum_chunks.chunk IS 'Index of the chunk.';
COMMENT ON COLUMN sum_chunks.folded_digest IS
'BLAKE3 of the sum of the bodies in this chunk. Null means that it is read back without being '
'compared.';
COMMENT ON COLUMN sum_chunks.folded_at IS 'When the sum of the bodies was durable.';
COMMENT ON COLUMN sum_chunks.digest IS 'BLAKE3 of the unmasked chunk.';
COMMENT ON COLUMN sum_chunks.residual_max IS
'Largest distance from a multiple of the scale in this chunk.';
COMMENT ON COLUMN sum_chunks.unmasked_at IS 'When the unmasked chunk was durable.';

CREATE TABLE results (
    round_id BYTEA PRIMARY KEY REFERENCES rounds,
    count INTEGER NOT NULL CHECK (count >= 2),
    total_weight BIGINT NOT NULL CHECK (total_weight > 0),
    sum_digest BYTEA NOT NULL CHECK (octet_length(sum_digest) = 32),
    residual_max BIGINT NOT NULL CHECK (residual_max >= 0),
    mean_norm DOUBLE PRECISION NOT NULL,
    tensors JSONB NOT NULL,
    result BYTEA NOT NULL,
    published_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE results IS 'Published results; append-only.';
COMMENT ON COLUMN results.round_id IS 'The round.';
COMMENT ON COLUMN results.count IS 'Contributions in the sum.';
COMMENT ON COLUMN results.total_weight IS 'Sum of their weights.';
COMMENT ON COLUMN results.sum_digest IS 'Merkle root over the digests of the chunks.';
COMMENT ON COLUMN results.residual_max IS
'Largest distance from a multiple of the scale: a diagnostic.';
COMMENT ON COLUMN results.mean_norm IS 'Euclidean norm of the decoded mean.';
COMMENT ON COLUMN results.tensors IS
'Average, smallest and largest coordinate of each tensor of the mean.';
COMMENT ON COLUMN results.result IS 'The signed result, canonical encoding.';
COMMENT ON COLUMN results.published_at IS 'When it was published.';

CREATE TABLE unreleased (
    round_id BYTEA NOT NULL REFERENCES rounds,
    holder SMALLINT NOT NULL CHECK (holder BETWEEN 1 AND 7),
    statement BYTEA NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_id, holder)
);
COMMENT ON TABLE unreleased IS
'Signed statements of combiners that they released nothing of a round and have destroyed its key; '
'append-only. With all of them, participants may send their updates again.';
COMMENT ON COLUMN unreleased.round_id IS 'The round, which has ended without a release.';
COMMENT ON COLUMN unreleased.holder IS 'The combiner''s index among the holders.';
COMMENT ON COLUMN unreleased.statement IS 'The signed statement, canonical encoding.';
COMMENT ON COLUMN unreleased.stored_at IS 'When it was stored.';
