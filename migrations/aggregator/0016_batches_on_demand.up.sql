-- A batch can be made when no round is paid: what the last round of a campaign left is handed over when the operator asks for it.
-- And what a round paid can be read in pages. Exclusive locks of two tables while their rows are read for a constraint, and no
-- payouts are written while they are indexed. Code that knows nothing of it runs on.

ALTER TABLE payout_batches ALTER COLUMN round_id DROP NOT NULL;
COMMENT ON COLUMN payout_batches.round_id IS 'The round after whose payout the batch was made; null if the operator asked for it.';

ALTER TABLE transfers
ALTER COLUMN round_id DROP NOT NULL,
ADD CONSTRAINT transfers_of_rounds CHECK (kind <> 'round' OR round_id IS NOT NULL);
COMMENT ON COLUMN transfers.round_id IS
'The round that is paid, or after whose payout the batch was made: neither happens twice. Null for a batch that the operator asked for.';

CREATE OR REPLACE VIEW audit.postings AS
SELECT p.transfer_id, t.kind AS transfer, r.sequence AS round, t.batch_id, a.kind AS account, a.subject, t.asset, p.amount, t.posted_at
FROM postings AS p
JOIN transfers AS t USING (transfer_id) JOIN accounts AS a USING (account_id) LEFT JOIN rounds AS r USING (round_id);

CREATE OR REPLACE VIEW audit.batches AS
SELECT b.batch_id, r.sequence AS round, b.asset, b.root, b.lines, b.total, b.made_at, s.reference, s.settled_at
FROM payout_batches AS b LEFT JOIN rounds AS r USING (round_id) LEFT JOIN payout_settlements AS s USING (batch_id);

CREATE INDEX payouts_of_round ON payouts (round_id, subject);
