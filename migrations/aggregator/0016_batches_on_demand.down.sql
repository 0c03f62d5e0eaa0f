-- Refused by the first statement where a batch was made on demand: its rows are in the log and stay.

ALTER TABLE payout_batches ALTER COLUMN round_id SET NOT NULL;
COMMENT ON COLUMN payout_batches.round_id IS 'The round after whose payout the batch was made.';

ALTER TABLE transfers DROP CONSTRAINT transfers_of_rounds, ALTER COLUMN round_id SET NOT NULL;
COMMENT ON COLUMN transfers.round_id IS 'The round that is paid, or after whose payout the batch was made: neither happens twice.';

CREATE OR REPLACE VIEW audit.postings AS
SELECT p.transfer_id, t.kind AS transfer, r.sequence AS round, t.batch_id, a.kind AS account, a.subject, t.asset, p.amount, t.posted_at
FROM postings AS p JOIN transfers AS t USING (transfer_id) JOIN accounts AS a USING (account_id) JOIN rounds AS r USING (round_id);

CREATE OR REPLACE VIEW audit.batches AS
SELECT b.batch_id, r.sequence AS round, b.asset, b.root, b.lines, b.total, b.made_at, s.reference, s.settled_at
FROM payout_batches AS b JOIN rounds AS r USING (round_id) LEFT JOIN payout_settlements AS s USING (batch_id);

DROP INDEX payouts_of_round;
