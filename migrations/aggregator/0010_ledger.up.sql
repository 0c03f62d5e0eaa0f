-- Who earned what, and what was paid out: a ledger of double entries, batches for a distributor, reputation. New tables;
-- columns of rounds and a trigger of contributions, for a brief exclusive lock each. Code that knows nothing of it runs on.

ALTER TABLE rounds
ADD COLUMN sequence BIGINT UNIQUE CHECK (sequence > 0),
ADD COLUMN payout_pool NUMERIC(39, 0) CHECK (payout_pool > 0),
ADD COLUMN payout_policy TEXT CHECK (payout_policy ~ '^[a-z-]{1,64}$'),
ADD COLUMN payout_asset TEXT COLLATE "C" CHECK (payout_asset ~ '^(points|eip155:[0-9]{1,19}/erc20:0x[0-9a-f]{40})$'),
ADD COLUMN min_reputation_ppm INTEGER NOT NULL DEFAULT 0 CHECK (min_reputation_ppm BETWEEN 0 AND 1000000),
ADD CHECK ((payout_pool IS NULL) = (payout_policy IS NULL) AND (payout_pool IS NULL) = (payout_asset IS NULL));
COMMENT ON COLUMN rounds.sequence IS 'The round''s number, from 1, in the order of creation: the time by which reputation decays.';
COMMENT ON COLUMN rounds.payout_pool IS 'What the round pays in all, in the smallest units; null if it pays nothing.';
COMMENT ON COLUMN rounds.payout_policy IS 'How the pool is split.';
COMMENT ON COLUMN rounds.payout_asset IS 'What it pays in: a token by its CAIP-19 name, or points that only the ledger knows.';
COMMENT ON COLUMN rounds.min_reputation_ppm IS 'Reputation below which nobody is admitted, in millionths.';
UPDATE rounds AS r SET sequence = n.sequence
FROM (SELECT round_id, ROW_NUMBER() OVER (ORDER BY created_at, round_id) AS sequence FROM rounds) AS n
WHERE r.round_id = n.round_id;

CREATE FUNCTION number_round() RETURNS TRIGGER LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM PG_ADVISORY_XACT_LOCK(HASHTEXT('blindsum rounds'));
    SELECT COALESCE(MAX(sequence), 0) + 1 INTO NEW.sequence FROM rounds;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION number_round() IS 'Numbers rounds without gaps.';
CREATE TRIGGER rounds_numbered BEFORE INSERT ON rounds FOR EACH ROW EXECUTE FUNCTION number_round();

CREATE OR REPLACE FUNCTION log_entry(r ROUNDS) RETURNS JSONB LANGUAGE sql STABLE AS $$
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
-- Rounds that are there already are recorded with these columns.
INSERT INTO log_outbox (payload) SELECT log_entry(r)::TEXT FROM rounds AS r ORDER BY r.created_at, r.round_id;
DROP TRIGGER rounds_recorded ON rounds;
CREATE TRIGGER rounds_recorded AFTER INSERT OR UPDATE OF
round_id, round_hash, model_digest, document, aggregator_signature, countersignatures, state, dimension, chunks,
min_cohort, max_contributions, max_attempts, proof, opens_at, earliest_close_at, closes_at, root, failure_code,
created_at, opened_at, closed_at, fixed_at, folded_at, released_at, ended_at, sequence, payout_pool, payout_policy, payout_asset,
min_reputation_ppm ON rounds FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TABLE accounts (
    account_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('treasury', 'distributor', 'participant')),
    subject TEXT COLLATE "C" REFERENCES participants,
    asset TEXT COLLATE "C" NOT NULL,
    opened_at TIMESTAMPTZ NOT NULL,
    UNIQUE (subject, asset),
    CHECK ((kind = 'participant') = (subject IS NOT NULL))
);
COMMENT ON TABLE accounts IS 'Accounts of the ledger; append-only.';
COMMENT ON COLUMN accounts.account_id IS 'Identifier.';
COMMENT ON COLUMN accounts.kind IS
'The treasury pays, so its balance is what was paid, negative; participants earn; the distributor holds what was handed to batches.';
COMMENT ON COLUMN accounts.subject IS 'The participant whose account it is.';
COMMENT ON COLUMN accounts.asset IS 'What is counted, as in rounds.payout_asset.';
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
COMMENT ON TABLE payouts IS 'What each contribution of a published round earned, and from what that was reckoned; append-only.';
COMMENT ON COLUMN payouts.round_id IS 'The round.';
COMMENT ON COLUMN payouts.contribution_id IS 'The contribution.';
COMMENT ON COLUMN payouts.subject IS 'Who contributed.';
COMMENT ON COLUMN payouts.weight IS 'Its public weight.';
COMMENT ON COLUMN payouts.score_ppm IS 'Its score in millionths; a whole one where the round has no scores.';
COMMENT ON COLUMN payouts.reputation_ppm IS 'The participant''s reputation in this round, in millionths.';
COMMENT ON COLUMN payouts.amount IS 'What it earned, in the smallest units.';
CREATE INDEX payouts_by_subject ON payouts (subject, round_id);

CREATE TABLE claim_addresses (
    subject TEXT COLLATE "C" NOT NULL REFERENCES participants,
    chain_id BIGINT NOT NULL CHECK (chain_id > 0),
    sequence BIGINT NOT NULL CHECK (sequence >= 0),
    address BYTEA NOT NULL CHECK (OCTET_LENGTH(address) = 20),
    message BYTEA NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (subject, chain_id, sequence)
);
COMMENT ON TABLE claim_addresses IS 'Where participants want to be paid; the one with the highest sequence counts; append-only.';
COMMENT ON COLUMN claim_addresses.subject IS 'The participant.';
COMMENT ON COLUMN claim_addresses.chain_id IS 'The chain (EIP-155).';
COMMENT ON COLUMN claim_addresses.sequence IS 'The participant''s count of its addresses.';
COMMENT ON COLUMN claim_addresses.address IS 'Account of that chain.';
COMMENT ON COLUMN claim_addresses.message IS 'The participant''s signed message, canonical encoding.';
COMMENT ON COLUMN claim_addresses.stored_at IS 'When it was stored.';

CREATE TABLE payout_batches (
    batch_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    round_id BYTEA NOT NULL UNIQUE REFERENCES rounds,
    asset TEXT COLLATE "C" NOT NULL,
    root BYTEA NOT NULL CHECK (OCTET_LENGTH(root) = 32),
    lines INTEGER NOT NULL CHECK (lines > 0),
    total NUMERIC(39, 0) NOT NULL CHECK (total > 0),
    made_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE payout_batches IS 'Balances handed to a distributor, a tree of claims each; append-only.';
COMMENT ON COLUMN payout_batches.batch_id IS 'Identifier, in the order in which batches were made.';
COMMENT ON COLUMN payout_batches.round_id IS 'The round after whose payout the batch was made.';
COMMENT ON COLUMN payout_batches.asset IS 'What is handed over.';
COMMENT ON COLUMN payout_batches.root IS 'Root of the tree of claims: the lines, those of one address added, in ascending order of addresses.';
COMMENT ON COLUMN payout_batches.lines IS 'How many lines there are.';
COMMENT ON COLUMN payout_batches.total IS 'Their sum, in the smallest units.';
COMMENT ON COLUMN payout_batches.made_at IS 'When it was made.';

CREATE TABLE payout_lines (
    batch_id BIGINT NOT NULL REFERENCES payout_batches,
    subject TEXT COLLATE "C" NOT NULL REFERENCES participants,
    address BYTEA NOT NULL CHECK (OCTET_LENGTH(address) = 20),
    amount NUMERIC(39, 0) NOT NULL CHECK (amount > 0),
    PRIMARY KEY (batch_id, subject)
);
COMMENT ON TABLE payout_lines IS 'The balances in a batch; append-only.';
COMMENT ON COLUMN payout_lines.batch_id IS 'The batch.';
COMMENT ON COLUMN payout_lines.subject IS 'Whose balance it was.';
COMMENT ON COLUMN payout_lines.address IS 'Who may claim it.';
COMMENT ON COLUMN payout_lines.amount IS 'How much, in the smallest units.';
CREATE INDEX payout_lines_of ON payout_lines (subject, batch_id);

CREATE TABLE payout_settlements (
    batch_id BIGINT PRIMARY KEY REFERENCES payout_batches,
    reference TEXT NOT NULL CHECK (LENGTH(reference) BETWEEN 1 AND 256),
    settled_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);
COMMENT ON TABLE payout_settlements IS 'Batches for which the distributor was funded, as the payer says; append-only.';
COMMENT ON COLUMN payout_settlements.batch_id IS 'The batch.';
COMMENT ON COLUMN payout_settlements.reference IS 'By what it is found elsewhere: a transaction of the chain, say.';
COMMENT ON COLUMN payout_settlements.settled_at IS 'When the payer said so.';

CREATE TABLE transfers (
    transfer_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('round', 'batch')),
    round_id BYTEA NOT NULL REFERENCES rounds,
    batch_id BIGINT UNIQUE REFERENCES payout_batches,
    asset TEXT COLLATE "C" NOT NULL,
    posted_at TIMESTAMPTZ NOT NULL,
    UNIQUE (round_id, kind),
    CHECK ((kind = 'batch') = (batch_id IS NOT NULL))
);
COMMENT ON TABLE transfers IS 'Transactions of the ledger, each of two postings or more that sum to zero; append-only.';
COMMENT ON COLUMN transfers.transfer_id IS 'Identifier.';
COMMENT ON COLUMN transfers.kind IS 'The pool of a round from the treasury to participants, or balances from participants to the distributor.';
COMMENT ON COLUMN transfers.round_id IS 'The round that is paid, or after whose payout the batch was made: neither happens twice.';
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
COMMENT ON COLUMN postings.amount IS 'What is added, in the smallest units; negative if it is taken.';
CREATE INDEX postings_of ON postings (account_id);

CREATE TABLE reputation_events (
    event_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject TEXT COLLATE "C" NOT NULL REFERENCES participants,
    round_id BYTEA NOT NULL,
    contribution_id BYTEA NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('included', 'rejected', 'dropped', 'scored')),
    score_ppm INTEGER CHECK (score_ppm BETWEEN 0 AND 1000000),
    happened_at TIMESTAMPTZ NOT NULL,
    UNIQUE (round_id, contribution_id, kind),
    CHECK ((kind = 'scored') = (score_ppm IS NOT NULL)),
    FOREIGN KEY (round_id, contribution_id) REFERENCES contributions
);
COMMENT ON TABLE reputation_events IS 'What a participant''s reputation is reckoned from, written by a trigger; append-only.';
COMMENT ON COLUMN reputation_events.event_id IS 'Order of writing.';
COMMENT ON COLUMN reputation_events.subject IS 'The participant.';
COMMENT ON COLUMN reputation_events.round_id IS 'The round.';
COMMENT ON COLUMN reputation_events.contribution_id IS 'The contribution.';
COMMENT ON COLUMN reputation_events.kind IS
'Included in a sum, or rejected. Dropped and scored are for rounds that participants join beforehand, and for scores; nothing writes them yet.';
COMMENT ON COLUMN reputation_events.score_ppm IS 'The score, in millionths.';
COMMENT ON COLUMN reputation_events.happened_at IS 'When.';
CREATE INDEX reputation_events_of ON reputation_events (subject, event_id);

CREATE FUNCTION record_reputation_event() RETURNS TRIGGER LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO reputation_events (subject, round_id, contribution_id, kind, happened_at)
    VALUES (NEW.subject, NEW.round_id, NEW.contribution_id, NEW.state, NEW.changed_at);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION record_reputation_event() IS 'Appends to reputation_events.';
INSERT INTO reputation_events (subject, round_id, contribution_id, kind, happened_at)
SELECT c.subject, e.round_id, e.contribution_id, e.state, e.happened_at
FROM contribution_events AS e JOIN contributions AS c USING (round_id, contribution_id)
WHERE e.state IN ('included', 'rejected') ORDER BY e.event_id;
CREATE TRIGGER contributions_reputation AFTER UPDATE OF state ON contributions
FOR EACH ROW WHEN (OLD.state <> NEW.state AND NEW.state IN ('included', 'rejected'))
EXECUTE FUNCTION record_reputation_event();

CREATE FUNCTION check_postings() RETURNS TRIGGER LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT n.transfer_id, SUM(n.amount) AS total, COUNT(*) AS lines FROM new_postings AS n GROUP BY n.transfer_id) AS n
        WHERE n.total <> 0 OR n.lines <> (SELECT COUNT(*) FROM postings AS p WHERE p.transfer_id = n.transfer_id)
    ) THEN
        RAISE EXCEPTION 'the postings of a transfer are written at once and sum to zero' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT FROM new_postings AS n JOIN transfers AS t USING (transfer_id) JOIN accounts AS a USING (account_id)
        WHERE t.asset <> a.asset
    ) THEN
        RAISE EXCEPTION 'the accounts of a transfer count what it moves' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION check_postings() IS 'Nothing is added to a transfer afterwards, and no statement unbalances it.';
CREATE TRIGGER postings_balanced AFTER INSERT ON postings REFERENCING NEW TABLE AS new_postings
FOR EACH STATEMENT EXECUTE FUNCTION check_postings();

CREATE FUNCTION check_transfer() RETURNS TRIGGER LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF (SELECT COUNT(*) < 2 OR SUM(p.amount) <> 0 FROM postings AS p WHERE p.transfer_id = NEW.transfer_id) THEN
        RAISE EXCEPTION 'transfer % does not balance', NEW.transfer_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION check_transfer() IS 'At the end of the transaction that posts it, a transfer balances.';
CREATE CONSTRAINT TRIGGER transfers_balanced AFTER INSERT ON transfers DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION check_transfer();

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

CREATE FUNCTION log_entry(r PAYOUT_SETTLEMENTS) RETURNS JSONB LANGUAGE sql STABLE AS $$
    SELECT JSONB_BUILD_OBJECT('table', 'payout_settlements', 'key', r.batch_id::TEXT, 'row', JSONB_BUILD_OBJECT(
        'batch_id', r.batch_id, 'reference', r.reference, 'settled_at', log_time(r.settled_at)
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

CREATE TRIGGER accounts_recorded AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER payouts_recorded AFTER INSERT ON payouts FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER claim_addresses_recorded AFTER INSERT ON claim_addresses FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER payout_batches_recorded AFTER INSERT ON payout_batches FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER payout_lines_recorded AFTER INSERT ON payout_lines FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER payout_settlements_recorded AFTER INSERT ON payout_settlements
FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER transfers_recorded AFTER INSERT ON transfers FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER postings_recorded AFTER INSERT ON postings FOR EACH ROW EXECUTE FUNCTION record_in_log();

CREATE TRIGGER accounts_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payouts_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON payouts
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER claim_addresses_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON claim_addresses
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payout_batches_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_batches
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payout_lines_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_lines
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payout_settlements_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_settlements
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfers_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER postings_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON postings
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reputation_events_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON reputation_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
