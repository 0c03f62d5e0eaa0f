-- The books: what each contribution earned, the batches that were handed to a distributor, and the
-- payments for them. Rules that span rows are in functions/books.sql.

CREATE TABLE accounts (
    account_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('treasury', 'distributor', 'participant')),
    subject TEXT COLLATE "C" REFERENCES participants,
    asset TEXT COLLATE "C" NOT NULL,
    opened_at TIMESTAMPTZ NOT NULL,
    UNIQUE (subject, asset),
    CHECK ((kind = 'participant') = (subject IS NOT NULL))
);
COMMENT ON TABLE accounts IS 'Accounts of the books; append-only.';
COMMENT ON COLUMN accounts.account_id IS 'Identifier.';
COMMENT ON COLUMN accounts.kind IS
'The treasury pays; its balance is what it paid, negative. Participants earn. The distributor '
'holds what batches handed over.';
COMMENT ON COLUMN accounts.subject IS 'The participant; null for the treasury and the distributor.';
COMMENT ON COLUMN accounts.asset IS 'What the account counts, as in rounds.payout_asset.';
COMMENT ON COLUMN accounts.opened_at IS 'When it was opened.';
CREATE UNIQUE INDEX accounts_one_of_a_kind ON accounts (kind, asset) WHERE subject IS NULL;

CREATE TABLE payouts (
    round_id BYTEA NOT NULL,
    contribution_id BYTEA NOT NULL,
    subject TEXT COLLATE "C" NOT NULL REFERENCES participants,
    weight INTEGER NOT NULL CHECK (weight > 0),
    score_ppm INTEGER NOT NULL CHECK (score_ppm BETWEEN 0 AND 1000000),
    reputation_ppm INTEGER NOT NULL CHECK (reputation_ppm BETWEEN 0 AND 1000000),
    amount NUMERIC(39, 0) NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (round_id, contribution_id),
    FOREIGN KEY (round_id, contribution_id) REFERENCES contributions
);
COMMENT ON TABLE payouts IS
'What each contribution of a published round earned, with the numbers that decided it; '
'append-only.';
COMMENT ON COLUMN payouts.round_id IS 'The round.';
COMMENT ON COLUMN payouts.contribution_id IS 'The contribution.';
COMMENT ON COLUMN payouts.subject IS 'The participant.';
COMMENT ON COLUMN payouts.weight IS 'The contribution''s public weight.';
COMMENT ON COLUMN payouts.score_ppm IS
'Its score, in millionths; 1000000 if the round has no scores.';
COMMENT ON COLUMN payouts.reputation_ppm IS
'The participant''s reputation in this round, in millionths.';
COMMENT ON COLUMN payouts.amount IS 'What it earned, in the smallest units.';
CREATE INDEX payouts_by_subject ON payouts (subject, round_id);
CREATE INDEX payouts_of_round ON payouts (round_id, subject);

CREATE TABLE claim_addresses (
    subject TEXT COLLATE "C" NOT NULL REFERENCES participants,
    chain_id BIGINT NOT NULL CHECK (chain_id > 0),
    sequence BIGINT NOT NULL CHECK (sequence >= 0),
    address BYTEA NOT NULL CHECK (octet_length(address) = 20),
    message BYTEA NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (subject, chain_id, sequence)
);
COMMENT ON TABLE claim_addresses IS
'Where participants want to be paid; the address with the highest sequence counts; append-only.';
COMMENT ON COLUMN claim_addresses.subject IS 'The participant.';
COMMENT ON COLUMN claim_addresses.chain_id IS 'The chain (EIP-155).';
COMMENT ON COLUMN claim_addresses.sequence IS
'Number that the participant gave to the address; a later address has a higher one.';
COMMENT ON COLUMN claim_addresses.address IS 'Account of that chain.';
COMMENT ON COLUMN claim_addresses.message IS
'The participant''s signed message, canonical encoding.';
COMMENT ON COLUMN claim_addresses.stored_at IS 'When it was stored.';

CREATE TABLE payout_batches (
    batch_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    round_id BYTEA UNIQUE REFERENCES rounds,
    asset TEXT COLLATE "C" NOT NULL,
    root BYTEA NOT NULL CHECK (octet_length(root) = 32),
    lines INTEGER NOT NULL CHECK (lines > 0),
    total NUMERIC(39, 0) NOT NULL CHECK (total > 0),
    made_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE payout_batches IS
'Batches: balances that were handed to a distributor, with one tree of claims each; append-only.';
COMMENT ON COLUMN payout_batches.batch_id IS 'Identifier, in the order in which batches were made.';
COMMENT ON COLUMN payout_batches.round_id IS
'The round whose payout caused the batch; null if the operator asked for the batch.';
COMMENT ON COLUMN payout_batches.asset IS 'What is handed over.';
COMMENT ON COLUMN payout_batches.root IS
'Root of the tree of claims. A claim is the sum of the lines of one address; claims are in '
'ascending order of addresses.';
COMMENT ON COLUMN payout_batches.lines IS 'How many lines the batch has.';
COMMENT ON COLUMN payout_batches.total IS 'Sum of the lines, in the smallest units.';
COMMENT ON COLUMN payout_batches.made_at IS 'When the batch was made.';

CREATE TABLE payout_lines (
    batch_id BIGINT NOT NULL REFERENCES payout_batches,
    subject TEXT COLLATE "C" NOT NULL REFERENCES participants,
    address BYTEA NOT NULL CHECK (octet_length(address) = 20),
    amount NUMERIC(39, 0) NOT NULL CHECK (amount > 0),
    PRIMARY KEY (batch_id, subject)
);
COMMENT ON TABLE payout_lines IS 'The balances in a batch; append-only.';
COMMENT ON COLUMN payout_lines.batch_id IS 'The batch.';
COMMENT ON COLUMN payout_lines.subject IS 'The participant whose balance it was.';
COMMENT ON COLUMN payout_lines.address IS 'The address that may claim it.';
COMMENT ON COLUMN payout_lines.amount IS 'How much, in the smallest units.';
CREATE INDEX payout_lines_of ON payout_lines (subject, batch_id);

CREATE TABLE payments (
    batch_id BIGINT PRIMARY KEY REFERENCES payout_batches,
    reference TEXT NOT NULL CHECK (length(reference) BETWEEN 1 AND 256),
    paid_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);
COMMENT ON TABLE payments IS
'Payments: the payer''s statements that the distributor has the money of a batch; append-only.';
COMMENT ON COLUMN payments.batch_id IS 'The batch that was paid.';
COMMENT ON COLUMN payments.reference IS
'How to find the payment elsewhere, for example a transaction of the chain.';
COMMENT ON COLUMN payments.paid_at IS 'When the payer said so.';

CREATE TABLE transfers (
    transfer_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('round', 'batch')),
    round_id BYTEA REFERENCES rounds,
    batch_id BIGINT UNIQUE REFERENCES payout_batches,
    asset TEXT COLLATE "C" NOT NULL,
    posted_at TIMESTAMPTZ NOT NULL,
    UNIQUE (round_id, kind),
    CONSTRAINT transfers_of_rounds CHECK (kind <> 'round' OR round_id IS NOT NULL),
    CHECK ((kind = 'batch') = (batch_id IS NOT NULL))
);
COMMENT ON TABLE transfers IS
'Transfers of the books, each of at least two postings that sum to zero; append-only.';
COMMENT ON COLUMN transfers.transfer_id IS 'Identifier.';
COMMENT ON COLUMN transfers.kind IS
'round: the pool of a round, from the treasury to participants. batch: balances, from participants '
'to the distributor.';
COMMENT ON COLUMN transfers.round_id IS
'The round that pays, or whose payout caused the batch. Each happens once in a round. Null for a '
'batch that the operator asked for.';
COMMENT ON COLUMN transfers.batch_id IS 'The batch.';
COMMENT ON COLUMN transfers.asset IS 'What is moved; all accounts of the transfer count it.';
COMMENT ON COLUMN transfers.posted_at IS 'When it was posted.';

CREATE TABLE postings (
    transfer_id BIGINT NOT NULL REFERENCES transfers,
    account_id BIGINT NOT NULL REFERENCES accounts,
    amount NUMERIC(39, 0) NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (transfer_id, account_id)
);
COMMENT ON TABLE postings IS 'What a transfer adds to each account; append-only.';
COMMENT ON COLUMN postings.transfer_id IS 'The transfer.';
COMMENT ON COLUMN postings.account_id IS 'The account.';
COMMENT ON COLUMN postings.amount IS
'What is added, in the smallest units; negative if it is taken.';
CREATE INDEX postings_of ON postings (account_id);
