-- What auditors see: neither secrets nor ciphertexts.

CREATE VIEW audit.rounds AS
SELECT
    r.sequence AS round, r.round_id, r.round_hash, r.state, r.failure_code, r.proof, r.min_cohort, r.max_contributions,
    r.min_reputation_ppm, r.payout_policy, r.payout_pool, r.payout_asset,
    CARDINALITY(r.countersignatures) AS combiners, r.root, r.created_at, r.opened_at, r.closed_at, r.fixed_at, r.released_at, r.ended_at, e.erased_at
FROM rounds AS r LEFT JOIN erasures AS e USING (round_id);
COMMENT ON VIEW audit.rounds IS 'Rounds: what they demanded, what they paid, how they ended.';

CREATE VIEW audit.participants AS
SELECT subject, client_key, credential_epoch, SHA256(credential) AS credential_digest, enrolled_at, renewed_at
FROM participants;
COMMENT ON VIEW audit.participants IS 'Participants and their present credentials.';

CREATE VIEW audit.contributions AS
SELECT
    r.sequence AS round, c.round_id, c.contribution_id, c.subject, c.client_key, c.header_hash, c.weight, c.state, c.reason,
    c.received_at, c.changed_at, receipt_included_by(c.receipt) AS included_by, c.proof_time_us
FROM contributions AS c JOIN rounds AS r USING (round_id);
COMMENT ON VIEW audit.contributions IS
'Contributions for which receipts were given, as they are now.';

CREATE VIEW audit.contribution_history AS
SELECT r.sequence AS round, c.subject, e.contribution_id, e.state, e.reason, e.happened_at
FROM contribution_events AS e JOIN contributions AS c USING (round_id, contribution_id)
JOIN rounds AS r USING (round_id);
COMMENT ON VIEW audit.contribution_history IS 'Every change of a contribution''s state.';

CREATE VIEW audit.refusals AS
SELECT r.sequence AS round, f.reason, f.count, f.first_at, f.last_at
FROM refusals AS f JOIN rounds AS r USING (round_id);
COMMENT ON VIEW audit.refusals IS
'Uploads that were refused before they were stored. They are only counted.';

CREATE VIEW audit.members AS
SELECT r.sequence AS round, m.index, c.subject, m.contribution_id, m.header_hash, c.weight
FROM round_members AS m JOIN contributions AS c USING (round_id, contribution_id)
JOIN rounds AS r ON r.round_id = m.round_id;
COMMENT ON VIEW audit.members IS 'The sets of rounds.';

CREATE VIEW audit.attestations AS
SELECT r.sequence AS round, c.subject, a.contribution_id, a.holder, SHA256(a.attestation) AS attestation_digest, a.stored_at
FROM attestations AS a JOIN contributions AS c USING (round_id, contribution_id)
JOIN rounds AS r ON r.round_id = a.round_id;
COMMENT ON VIEW audit.attestations IS 'The combiners'' attestations, by digest.';

CREATE VIEW audit.signed_refusals AS
SELECT r.sequence AS round, c.subject, f.contribution_id, f.holder, SHA256(f.refusal) AS refusal_digest, f.stored_at
FROM signed_refusals AS f JOIN contributions AS c USING (round_id, contribution_id)
JOIN rounds AS r ON r.round_id = f.round_id;
COMMENT ON VIEW audit.signed_refusals IS
'The holders'' signed refusals of contributions, by digest; 0 is the aggregator.';

CREATE VIEW audit.answers AS
SELECT r.sequence AS round, a.holder, SHA256(a.answer) AS answer_digest, a.stored_at
FROM release_answers AS a JOIN rounds AS r USING (round_id);
COMMENT ON VIEW audit.answers IS
'The holders'' answers with their sums of key shares, by digest; 0 is the aggregator.';

CREATE VIEW audit.results AS
SELECT r.sequence AS round, s.count, s.total_weight, s.sum_digest, s.residual_max, s.mean_norm, s.published_at
FROM results AS s JOIN rounds AS r USING (round_id);
COMMENT ON VIEW audit.results IS 'Published results.';

CREATE VIEW audit.log AS
SELECT e.index, e.table_name, e.key, e.payload::JSONB -> 'row' AS entry, e.leaf_hash, e.recorded_at, e.sequenced_at
FROM log_entries AS e;
COMMENT ON VIEW audit.log IS 'The log.';

CREATE VIEW audit.log_waiting AS
SELECT o.outbox_id, o.table_name, o.key, o.payload::JSONB -> 'row' AS entry, o.recorded_at FROM log_outbox AS o;
COMMENT ON VIEW audit.log_waiting IS 'Entries that have no index in the log yet.';

CREATE VIEW audit.checkpoints AS
SELECT c.size, c.root, c.note, c.signed_at FROM log_checkpoints AS c;
COMMENT ON VIEW audit.checkpoints IS 'What the aggregator has signed about the log.';

CREATE VIEW audit.receipts AS
SELECT
    r.sequence AS round, c.subject, c.contribution_id, c.received_at, receipt_included_by(c.receipt) AS included_by,
    e.index AS log_index, k.size AS checkpoint_size, k.signed_at AS checkpoint_signed_at,
    receipt_included_by(c.receipt) < COALESCE(k.signed_at, CURRENT_TIMESTAMP) AS overdue
FROM contributions AS c
JOIN rounds AS r USING (round_id)
LEFT JOIN LATERAL (
    SELECT l.index FROM log_entries AS l
    WHERE l.table_name = 'contributions' AND l.key = log_bytes(c.round_id) || '/' || log_bytes(c.contribution_id)
    ORDER BY l.index LIMIT 1
) AS e ON TRUE
LEFT JOIN LATERAL (
    SELECT p.size, p.signed_at FROM log_checkpoints AS p WHERE p.size > e.index ORDER BY p.size LIMIT 1
) AS k ON TRUE;
COMMENT ON VIEW audit.receipts IS
'Receipts, the index of their contributions in the log, and the first checkpoint that covers it.';

CREATE VIEW audit.receipts_waiting AS
SELECT r.sequence AS round, c.subject, c.contribution_id, c.received_at, receipt_included_by(c.receipt) AS included_by,
    receipt_included_by(c.receipt) < CURRENT_TIMESTAMP AS overdue
FROM (
    SELECT l.payload FROM log_entries AS l
    WHERE l.index >= (SELECT COALESCE(MAX(k.size), 0) FROM log_checkpoints AS k) AND l.table_name = 'contributions'
    UNION ALL
    SELECT o.payload FROM log_outbox AS o WHERE o.table_name = 'contributions'
) AS w
CROSS JOIN LATERAL (SELECT w.payload::JSONB -> 'row' AS entry) AS p
JOIN contributions AS c
    ON c.round_id = DECODE(p.entry ->> 'round_id', 'hex')
    AND c.contribution_id = DECODE(p.entry ->> 'contribution_id', 'hex')
JOIN rounds AS r ON r.round_id = c.round_id
WHERE p.entry ->> 'state' = 'received';
COMMENT ON VIEW audit.receipts_waiting IS 'Receipts that no checkpoint covers yet.';

CREATE VIEW audit.balances AS
SELECT a.account_id, a.kind, a.subject, a.asset, COALESCE(SUM(p.amount), 0) AS balance
FROM accounts AS a LEFT JOIN postings AS p USING (account_id) GROUP BY a.account_id;
COMMENT ON VIEW audit.balances IS 'Accounts and their balances.';

CREATE VIEW audit.postings AS
SELECT
    p.transfer_id, t.kind AS transfer, r.sequence AS round, t.batch_id, a.kind AS account, a.subject, t.asset, p.amount,
    t.posted_at
FROM postings AS p
JOIN transfers AS t USING (transfer_id) JOIN accounts AS a USING (account_id) LEFT JOIN rounds AS r USING (round_id);
COMMENT ON VIEW audit.postings IS 'The books, line by line.';

CREATE VIEW audit.payouts AS
SELECT
    r.sequence AS round, o.subject, o.contribution_id, r.payout_policy AS policy, r.payout_pool AS pool, r.payout_asset AS asset,
    o.weight, o.score_ppm, o.reputation_ppm, o.amount
FROM payouts AS o JOIN rounds AS r USING (round_id);
COMMENT ON VIEW audit.payouts IS 'What each contribution earned, by which policy, from which pool.';

CREATE VIEW audit.claim_addresses AS
SELECT c.subject, c.chain_id, c.sequence, c.address, c.message, c.stored_at,
    c.sequence = MAX(c.sequence) OVER (PARTITION BY c.subject, c.chain_id) AS latest
FROM claim_addresses AS c;
COMMENT ON VIEW audit.claim_addresses IS
'Where participants want to be paid, and where they wanted it before. The latest message that is '
'signed with the participant''s present key counts.';

CREATE VIEW audit.batches AS
SELECT b.batch_id, r.sequence AS round, b.asset, b.root, b.lines, b.total, b.made_at, s.reference, s.paid_at
FROM payout_batches AS b LEFT JOIN rounds AS r USING (round_id) LEFT JOIN payments AS s USING (batch_id);
COMMENT ON VIEW audit.batches IS 'Batches that were handed to the distributor, and their payments.';

CREATE VIEW audit.batch_lines AS
SELECT l.batch_id, l.subject, l.address, l.amount FROM payout_lines AS l;
COMMENT ON VIEW audit.batch_lines IS 'The balances in each batch.';

CREATE VIEW audit.reputation_events AS
SELECT e.event_id, e.subject, r.sequence AS round, e.contribution_id, e.kind, e.score_ppm, e.happened_at
FROM reputation_events AS e JOIN rounds AS r USING (round_id);
COMMENT ON VIEW audit.reputation_events IS 'Events from which reputations are computed.';

CREATE VIEW audit.record_problems AS
SELECT p.table_name, p.key, p.column_name, p.problem FROM record_problems() AS p;
COMMENT ON VIEW audit.record_problems IS
'Everything in this database that contradicts the log or the log''s own hashes. Reads all of it.';
