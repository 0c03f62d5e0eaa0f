-- The schema of the aggregator's database, for reading. The bodies of functions and views are in
-- functions/ and views/. A test compares this file with a database, and writes it:
-- BLINDSUM_WRITE_SCHEMA=1 cargo test --release -p aggregator --test system the_schema_is

-- Accounts of the books; append-only.
CREATE TABLE accounts (
    -- Identifier.
    account_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- The treasury pays; its balance is what it paid, negative. Participants earn. The distributor
    -- holds what batches handed over.
    kind text NOT NULL,
    -- The participant; null for the treasury and the distributor.
    subject text COLLATE "C",
    -- What the account counts, as in rounds.payout_asset.
    asset text COLLATE "C" NOT NULL,
    -- When it was opened.
    opened_at timestamp with time zone NOT NULL,
    CONSTRAINT accounts_pkey PRIMARY KEY (account_id),
    CONSTRAINT accounts_subject_asset_key UNIQUE (subject, asset),
    CONSTRAINT accounts_subject_fkey FOREIGN KEY (subject) REFERENCES participants(subject),
    CONSTRAINT accounts_check CHECK (((kind = 'participant'::text) = (subject IS NOT NULL))),
    CONSTRAINT accounts_kind_check CHECK ((kind = ANY (ARRAY['treasury'::text, 'distributor'::text, 'participant'::text])))
);
CREATE UNIQUE INDEX accounts_one_of_a_kind ON accounts USING btree (kind, asset) WHERE (subject IS NULL);
CREATE TRIGGER accounts_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON accounts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER accounts_recorded AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- Signed statements of the combiners that their shares of a contribution's key are good;
-- append-only.
CREATE TABLE attestations (
    -- The round.
    round_id bytea NOT NULL,
    -- The contribution.
    contribution_id bytea NOT NULL,
    -- Index of the combiner among the holders.
    holder smallint NOT NULL,
    -- The signed attestation, canonical encoding.
    attestation bytea NOT NULL,
    -- When it was checked and stored.
    stored_at timestamp with time zone NOT NULL,
    CONSTRAINT attestations_pkey PRIMARY KEY (round_id, contribution_id, holder),
    CONSTRAINT attestations_round_id_contribution_id_fkey FOREIGN KEY (round_id, contribution_id) REFERENCES contributions(round_id, contribution_id),
    CONSTRAINT attestations_holder_check CHECK (((holder >= 1) AND (holder <= 7)))
);
CREATE TRIGGER attestations_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON attestations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER attestations_recorded AFTER INSERT ON attestations FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- Where participants want to be paid; the address with the highest sequence counts;
-- append-only.
CREATE TABLE claim_addresses (
    -- The participant.
    subject text COLLATE "C" NOT NULL,
    -- The chain (EIP-155).
    chain_id bigint NOT NULL,
    -- Number that the participant gave to the address; a later address has a higher one.
    sequence bigint NOT NULL,
    -- Account of that chain.
    address bytea NOT NULL,
    -- The participant's signed message, canonical encoding.
    message bytea NOT NULL,
    -- When it was stored.
    stored_at timestamp with time zone NOT NULL,
    CONSTRAINT claim_addresses_pkey PRIMARY KEY (subject, chain_id, sequence),
    CONSTRAINT claim_addresses_subject_fkey FOREIGN KEY (subject) REFERENCES participants(subject),
    CONSTRAINT claim_addresses_address_check CHECK ((octet_length(address) = 20)),
    CONSTRAINT claim_addresses_chain_id_check CHECK ((chain_id > 0)),
    CONSTRAINT claim_addresses_sequence_check CHECK ((sequence >= 0))
);
CREATE TRIGGER claim_addresses_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON claim_addresses FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER claim_addresses_recorded AFTER INSERT ON claim_addresses FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- Every change of a contribution's state, written by a trigger; append-only.
CREATE TABLE contribution_events (
    -- Order of writing.
    event_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- The round.
    round_id bytea NOT NULL,
    -- The contribution.
    contribution_id bytea NOT NULL,
    -- The new state.
    state text NOT NULL,
    -- Why the contribution was rejected or excluded.
    reason text,
    -- When the state changed.
    happened_at timestamp with time zone NOT NULL,
    CONSTRAINT contribution_events_pkey PRIMARY KEY (event_id),
    CONSTRAINT contribution_events_round_id_contribution_id_fkey FOREIGN KEY (round_id, contribution_id) REFERENCES contributions(round_id, contribution_id)
);
CREATE INDEX contribution_events_of ON contribution_events USING btree (round_id, contribution_id);
CREATE TRIGGER contribution_events_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON contribution_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Contributions for which a receipt was given.
CREATE TABLE contributions (
    -- The round.
    round_id bytea NOT NULL,
    -- The contribution's identifier, chosen by the client.
    contribution_id bytea NOT NULL,
    -- Hash of the header, which binds every byte of the upload.
    header_hash bytea NOT NULL,
    -- The participant.
    subject text COLLATE "C" NOT NULL,
    -- The participant's identity key, which signed the header.
    client_key bytea NOT NULL,
    -- The public weight.
    weight integer NOT NULL,
    -- The commitment to the aggregator's own share of the mask key. Two contributions of a round
    -- with the same one come from a client whose randomness repeats, and would reveal each other.
    commitment bytea NOT NULL,
    -- The signed header, canonical encoding.
    header bytea NOT NULL,
    -- The seeds of the key shares, each encrypted to its holder; never published, and empty once
    -- erased.
    sealed_seeds bytea NOT NULL,
    -- The norm proof; empty if the round demands none, or once erased.
    proof bytea NOT NULL,
    -- Name of the body in the object store.
    body_object_name text NOT NULL,
    -- BLAKE3 of each chunk of the body, in their order: the leaves below the digest in the header.
    -- Null means that the body is added without being compared.
    chunk_digests bytea,
    -- The signed receipt, canonical encoding.
    receipt bytea NOT NULL,
    -- The state of the contribution.
    state text NOT NULL,
    -- Why it was rejected or excluded.
    reason text,
    -- Microseconds that verifying the norm proof took; null if none was verified. A received
    -- contribution that has a number here has a good proof, which is not verified again.
    proof_time_us bigint,
    -- When the contribution was durable.
    received_at timestamp with time zone NOT NULL,
    -- When the state changed last.
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT contributions_pkey PRIMARY KEY (round_id, contribution_id),
    CONSTRAINT contributions_body_object_name_key UNIQUE (body_object_name),
    CONSTRAINT contributions_round_id_commitment_key UNIQUE (round_id, commitment),
    CONSTRAINT contributions_round_id_header_hash_key UNIQUE (round_id, header_hash),
    CONSTRAINT contributions_round_id_fkey FOREIGN KEY (round_id) REFERENCES rounds(round_id),
    CONSTRAINT contributions_subject_fkey FOREIGN KEY (subject) REFERENCES participants(subject),
    CONSTRAINT contributions_check CHECK (((state = ANY (ARRAY['rejected'::text, 'excluded'::text])) = (reason IS NOT NULL))),
    CONSTRAINT contributions_chunk_digests_check CHECK (((octet_length(chunk_digests) % 32) = 0)),
    CONSTRAINT contributions_client_key_check CHECK ((octet_length(client_key) = 32)),
    CONSTRAINT contributions_commitment_check CHECK ((octet_length(commitment) = 32)),
    CONSTRAINT contributions_contribution_id_check CHECK ((octet_length(contribution_id) = 16)),
    CONSTRAINT contributions_header_hash_check CHECK ((octet_length(header_hash) = 32)),
    CONSTRAINT contributions_proof_time_us_check CHECK ((proof_time_us >= 0)),
    CONSTRAINT contributions_state_check CHECK ((state = ANY (ARRAY['received'::text, 'verified'::text, 'rejected'::text, 'included'::text, 'excluded'::text]))),
    CONSTRAINT contributions_weight_check CHECK ((weight > 0))
);
CREATE INDEX contributions_by_state ON contributions USING btree (round_id, state);
CREATE INDEX contributions_by_subject ON contributions USING btree (subject, round_id);
CREATE INDEX contributions_unverified ON contributions USING btree (round_id) WHERE (state = 'received'::text);
CREATE UNIQUE INDEX contributions_one_active ON contributions USING btree (round_id, subject) WHERE (state <> 'rejected'::text);
CREATE TRIGGER contributions_event AFTER INSERT OR UPDATE OF state ON contributions FOR EACH ROW EXECUTE FUNCTION record_contribution_event();
CREATE TRIGGER contributions_kept BEFORE DELETE OR TRUNCATE ON contributions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER contributions_recorded AFTER INSERT OR UPDATE OF round_id, contribution_id, header_hash, subject, client_key, weight, header, sealed_seeds, proof, body_object_name, receipt, state, reason, received_at, changed_at ON contributions FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER contributions_reputation AFTER UPDATE OF state ON contributions FOR EACH ROW WHEN (((old.state <> new.state) AND ((new.state = 'included'::text) OR ((new.state = 'rejected'::text) AND (new.reason = 'proof-refused'::text))))) EXECUTE FUNCTION record_reputation_event();
CREATE TRIGGER contributions_transition BEFORE INSERT OR UPDATE ON contributions FOR EACH ROW EXECUTE FUNCTION check_contribution_transition();

-- Credentials with which participants contribute, one for each subject and epoch; append-only.
CREATE TABLE credentials (
    -- The participant.
    subject text COLLATE "C" NOT NULL,
    -- The epoch whose rounds count the credential.
    epoch bigint NOT NULL,
    -- Identity key (Ed25519) in the credential.
    client_key bytea NOT NULL,
    -- The credential, canonical encoding.
    credential bytea NOT NULL,
    -- When the credential was enrolled.
    enrolled_at timestamp with time zone NOT NULL,
    CONSTRAINT credentials_pkey PRIMARY KEY (subject, epoch),
    CONSTRAINT credentials_subject_fkey FOREIGN KEY (subject) REFERENCES participants(subject),
    CONSTRAINT credentials_client_key_check CHECK ((octet_length(client_key) = 32)),
    CONSTRAINT credentials_epoch_check CHECK (((epoch >= 0) AND (epoch <= '4294967295'::bigint)))
);
CREATE TRIGGER credentials_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON credentials FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER credentials_recorded AFTER INSERT ON credentials FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- Rounds whose bodies, sealed seeds and proofs were erased after the audit window;
-- append-only.
CREATE TABLE erasures (
    -- The round.
    round_id bytea NOT NULL,
    -- When erasing began.
    erased_at timestamp with time zone NOT NULL,
    CONSTRAINT erasures_pkey PRIMARY KEY (round_id),
    CONSTRAINT erasures_round_id_fkey FOREIGN KEY (round_id) REFERENCES rounds(round_id)
);
CREATE TRIGGER erasures_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON erasures FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER erasures_recorded AFTER INSERT ON erasures FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- Work that outlives a request: each job is done at least once and recorded exactly once.
CREATE TABLE jobs (
    -- Order of creation.
    job_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- What is to be done.
    kind text NOT NULL,
    -- For which round.
    round_id bytea NOT NULL,
    -- For what in the round: a contribution, a chunk, or the round itself.
    key text NOT NULL,
    -- Whether the job waits, is leased by a worker, or is finished.
    state text NOT NULL DEFAULT 'ready'::text,
    -- When the job may run at the earliest.
    run_at timestamp with time zone NOT NULL,
    -- Drawn by the worker that holds the lease; the results of the job are recorded only under it.
    lease_token uuid,
    -- When another worker may take over.
    lease_expires_at timestamp with time zone,
    -- How often the job was tried; waits for a peer do not count.
    attempts integer NOT NULL DEFAULT 0,
    -- Why the last attempt did not finish.
    last_error text,
    -- When the job was created.
    created_at timestamp with time zone NOT NULL,
    -- When it was done or given up.
    finished_at timestamp with time zone,
    CONSTRAINT jobs_pkey PRIMARY KEY (job_id),
    CONSTRAINT jobs_kind_round_id_key_key UNIQUE (kind, round_id, key),
    CONSTRAINT jobs_round_id_fkey FOREIGN KEY (round_id) REFERENCES rounds(round_id),
    CONSTRAINT jobs_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT jobs_check CHECK (((state = 'leased'::text) = (lease_token IS NOT NULL))),
    CONSTRAINT jobs_check1 CHECK (((state = 'leased'::text) = (lease_expires_at IS NOT NULL))),
    CONSTRAINT jobs_check2 CHECK (((state = ANY (ARRAY['done'::text, 'failed'::text])) = (finished_at IS NOT NULL))),
    CONSTRAINT jobs_kind_check CHECK ((kind = ANY (ARRAY['prepare'::text, 'verify'::text, 'close'::text, 'fold'::text, 'release'::text, 'unmask'::text, 'publish'::text, 'retire'::text, 'payout'::text, 'checkpoint'::text]))),
    CONSTRAINT jobs_state_check CHECK ((state = ANY (ARRAY['ready'::text, 'leased'::text, 'done'::text, 'failed'::text])))
);
CREATE INDEX jobs_due ON jobs USING btree (COALESCE(lease_expires_at, run_at), job_id) WHERE (state = ANY (ARRAY['ready'::text, 'leased'::text]));
CREATE INDEX jobs_unfinished ON jobs USING btree (round_id, kind) WHERE (state = ANY (ARRAY['ready'::text, 'leased'::text]));

-- Things that happen one at a time: the transaction that does one locks its row.
CREATE TABLE latches (
    -- What happens one at a time.
    name text NOT NULL,
    CONSTRAINT latches_pkey PRIMARY KEY (name)
);
CREATE TRIGGER latches_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON latches FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What the aggregator has signed about the log; append-only, and recorded in the log that
-- follows.
CREATE TABLE log_checkpoints (
    -- How many entries the checkpoint covers.
    size bigint NOT NULL,
    -- Root of the tree of these entries.
    root bytea NOT NULL,
    -- The signed note.
    note text NOT NULL,
    -- When it was signed.
    signed_at timestamp with time zone NOT NULL,
    CONSTRAINT log_checkpoints_pkey PRIMARY KEY (size),
    CONSTRAINT log_checkpoints_root_check CHECK ((octet_length(root) = 32)),
    CONSTRAINT log_checkpoints_size_check CHECK ((size > 0))
);
CREATE TRIGGER log_checkpoints_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON log_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_checkpoints_recorded AFTER INSERT ON log_checkpoints FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- The log: the leaves of a Merkle tree (RFC 9162 §2.1); append-only.
CREATE TABLE log_entries (
    -- Index in the log, from 0 and without gaps.
    index bigint NOT NULL,
    -- The entry, which is the data of the leaf: JSON text with the table, the key and the
    -- protected columns of a row.
    payload text COLLATE "C" NOT NULL,
    -- SHA-256 of a zero byte and the payload.
    leaf_hash bytea NOT NULL,
    -- When the row was written.
    recorded_at timestamp with time zone NOT NULL,
    -- When the entry got its index.
    sequenced_at timestamp with time zone NOT NULL,
    -- The table that the payload names.
    table_name text COLLATE "C" GENERATED ALWAYS AS ((payload)::jsonb ->> 'table'::text) STORED,
    -- The key that the payload names.
    key text COLLATE "C" GENERATED ALWAYS AS ((payload)::jsonb ->> 'key'::text) STORED,
    CONSTRAINT log_entries_pkey PRIMARY KEY (index),
    CONSTRAINT log_entries_index_check CHECK ((index >= 0)),
    CONSTRAINT log_entries_leaf_hash_check CHECK ((octet_length(leaf_hash) = 32))
);
CREATE INDEX log_entries_of ON log_entries USING btree (table_name, key, index);
CREATE TRIGGER log_entries_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON log_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Roots of the full subtrees of the log above its leaves, from which proofs are made;
-- append-only.
CREATE TABLE log_nodes (
    -- Height: the subtree has two to this power leaves.
    level smallint NOT NULL,
    -- Index among the subtrees of this height.
    index bigint NOT NULL,
    -- SHA-256 of a one byte and the two children.
    hash bytea NOT NULL,
    CONSTRAINT log_nodes_pkey PRIMARY KEY (level, index),
    CONSTRAINT log_nodes_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT log_nodes_index_check CHECK ((index >= 0)),
    CONSTRAINT log_nodes_level_check CHECK (((level >= 1) AND (level <= 62)))
);
CREATE TRIGGER log_nodes_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON log_nodes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Entries that have no index in the log yet. Triggers write them, in the transaction of the
-- row that they record.
CREATE TABLE log_outbox (
    -- Order of writing.
    outbox_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- The entry: JSON text with the table, the key and the protected columns of a row.
    payload text COLLATE "C" NOT NULL,
    -- When the row was written.
    recorded_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
    -- The table that the payload names.
    table_name text COLLATE "C" GENERATED ALWAYS AS ((payload)::jsonb ->> 'table'::text) STORED,
    -- The key that the payload names.
    key text COLLATE "C" GENERATED ALWAYS AS ((payload)::jsonb ->> 'key'::text) STORED,
    CONSTRAINT log_outbox_pkey PRIMARY KEY (outbox_id)
);
CREATE TRIGGER log_outbox_kept BEFORE UPDATE OR TRUNCATE ON log_outbox FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Models that rounds start from; append-only. The object store has their bytes.
CREATE TABLE models (
    -- SHA-256 of the bytes.
    digest bytea NOT NULL,
    -- How many bytes the model has.
    bytes bigint NOT NULL,
    -- Name in the object store.
    object_name text NOT NULL,
    -- When the bytes were durable.
    stored_at timestamp with time zone NOT NULL,
    CONSTRAINT models_pkey PRIMARY KEY (digest),
    CONSTRAINT models_bytes_check CHECK ((bytes > 0)),
    CONSTRAINT models_digest_check CHECK ((octet_length(digest) = 32))
);
CREATE TRIGGER models_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON models FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER models_recorded AFTER INSERT ON models FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- How long an aggregator has been running, in one row. A wall clock that is set forward does
-- not change it, so no round ends and no key is destroyed because of a wrong clock.
CREATE TABLE observed_time (
    -- True: there is one row.
    one boolean NOT NULL DEFAULT true,
    -- Milliseconds while a process was running, added once a minute and at most a minute at a
    -- time. Of several processes one adds.
    observed_ms bigint NOT NULL,
    CONSTRAINT observed_time_pkey PRIMARY KEY (one),
    CONSTRAINT observed_time_observed_ms_check CHECK ((observed_ms >= 0)),
    CONSTRAINT observed_time_one_check CHECK (one)
);
CREATE TRIGGER observed_time_grows BEFORE UPDATE ON observed_time FOR EACH ROW WHEN ((new.observed_ms < old.observed_ms)) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER observed_time_kept BEFORE DELETE OR TRUNCATE ON observed_time FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Enrolled participants, one row for each subject.
CREATE TABLE participants (
    -- The participant's name, which the registrar gave.
    subject text COLLATE "C" NOT NULL,
    -- Identity key (Ed25519) in the credential that was enrolled last.
    client_key bytea NOT NULL,
    -- Epoch of that credential; it only grows.
    credential_epoch bigint NOT NULL,
    -- The credential, canonical encoding.
    credential bytea NOT NULL,
    -- When the participant enrolled first.
    enrolled_at timestamp with time zone NOT NULL,
    -- When the present credential was enrolled.
    renewed_at timestamp with time zone NOT NULL,
    CONSTRAINT participants_pkey PRIMARY KEY (subject),
    CONSTRAINT participants_check CHECK ((renewed_at >= enrolled_at)),
    CONSTRAINT participants_client_key_check CHECK ((octet_length(client_key) = 32)),
    CONSTRAINT participants_credential_epoch_check CHECK (((credential_epoch >= 0) AND (credential_epoch <= '4294967295'::bigint))),
    CONSTRAINT participants_subject_check CHECK ((subject ~ '^[A-Za-z0-9._-]{1,64}$'::text))
);
CREATE TRIGGER participants_kept BEFORE DELETE OR TRUNCATE ON participants FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER participants_recorded AFTER INSERT OR UPDATE ON participants FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- Payments: the payer's statements that the distributor has the money of a batch; append-only.
CREATE TABLE payments (
    -- The batch that was paid.
    batch_id bigint NOT NULL,
    -- How to find the payment elsewhere, for example a transaction of the chain.
    reference text NOT NULL,
    -- When the payer said so.
    paid_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT payments_pkey PRIMARY KEY (batch_id),
    CONSTRAINT payments_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES payout_batches(batch_id),
    CONSTRAINT payments_reference_check CHECK (((length(reference) >= 1) AND (length(reference) <= 256)))
);
CREATE TRIGGER payments_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON payments FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payments_recorded AFTER INSERT ON payments FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- Batches: balances that were handed to a distributor, with one tree of claims each;
-- append-only.
CREATE TABLE payout_batches (
    -- Identifier, in the order in which batches were made.
    batch_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- The round whose payout caused the batch; null if the operator asked for the batch.
    round_id bytea,
    -- What is handed over.
    asset text COLLATE "C" NOT NULL,
    -- Root of the tree of claims. A claim is the sum of the lines of one address; claims are in
    -- ascending order of addresses.
    root bytea NOT NULL,
    -- How many lines the batch has.
    lines integer NOT NULL,
    -- Sum of the lines, in the smallest units.
    total numeric(39,0) NOT NULL,
    -- When the batch was made.
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT payout_batches_pkey PRIMARY KEY (batch_id),
    CONSTRAINT payout_batches_round_id_key UNIQUE (round_id),
    CONSTRAINT payout_batches_round_id_fkey FOREIGN KEY (round_id) REFERENCES rounds(round_id),
    CONSTRAINT payout_batches_lines_check CHECK ((lines > 0)),
    CONSTRAINT payout_batches_root_check CHECK ((octet_length(root) = 32)),
    CONSTRAINT payout_batches_total_check CHECK ((total > (0)::numeric))
);
CREATE TRIGGER payout_batches_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON payout_batches FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payout_batches_recorded AFTER INSERT ON payout_batches FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- The balances in a batch; append-only.
CREATE TABLE payout_lines (
    -- The batch.
    batch_id bigint NOT NULL,
    -- The participant whose balance it was.
    subject text COLLATE "C" NOT NULL,
    -- The address that may claim it.
    address bytea NOT NULL,
    -- How much, in the smallest units.
    amount numeric(39,0) NOT NULL,
    CONSTRAINT payout_lines_pkey PRIMARY KEY (batch_id, subject),
    CONSTRAINT payout_lines_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES payout_batches(batch_id),
    CONSTRAINT payout_lines_subject_fkey FOREIGN KEY (subject) REFERENCES participants(subject),
    CONSTRAINT payout_lines_address_check CHECK ((octet_length(address) = 20)),
    CONSTRAINT payout_lines_amount_check CHECK ((amount > (0)::numeric))
);
CREATE INDEX payout_lines_of ON payout_lines USING btree (subject, batch_id);
CREATE TRIGGER payout_lines_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON payout_lines FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payout_lines_recorded AFTER INSERT ON payout_lines FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- What each contribution of a published round earned, with the numbers that decided it;
-- append-only.
CREATE TABLE payouts (
    -- The round.
    round_id bytea NOT NULL,
    -- The contribution.
    contribution_id bytea NOT NULL,
    -- The participant.
    subject text COLLATE "C" NOT NULL,
    -- The contribution's public weight.
    weight integer NOT NULL,
    -- Its score, in millionths; 1000000 if the round has no scores.
    score_ppm integer NOT NULL,
    -- The participant's reputation in this round, in millionths.
    reputation_ppm integer NOT NULL,
    -- What it earned, in the smallest units.
    amount numeric(39,0) NOT NULL,
    CONSTRAINT payouts_pkey PRIMARY KEY (round_id, contribution_id),
    CONSTRAINT payouts_round_id_contribution_id_fkey FOREIGN KEY (round_id, contribution_id) REFERENCES contributions(round_id, contribution_id),
    CONSTRAINT payouts_subject_fkey FOREIGN KEY (subject) REFERENCES participants(subject),
    CONSTRAINT payouts_amount_check CHECK ((amount >= (0)::numeric)),
    CONSTRAINT payouts_reputation_ppm_check CHECK (((reputation_ppm >= 0) AND (reputation_ppm <= 1000000))),
    CONSTRAINT payouts_score_ppm_check CHECK (((score_ppm >= 0) AND (score_ppm <= 1000000))),
    CONSTRAINT payouts_weight_check CHECK ((weight > 0))
);
CREATE INDEX payouts_by_subject ON payouts USING btree (subject, round_id);
CREATE INDEX payouts_of_round ON payouts USING btree (round_id, subject);
CREATE TRIGGER payouts_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON payouts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payouts_recorded AFTER INSERT ON payouts FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- What a transfer adds to each account; append-only.
CREATE TABLE postings (
    -- The transfer.
    transfer_id bigint NOT NULL,
    -- The account.
    account_id bigint NOT NULL,
    -- What is added, in the smallest units; negative if it is taken.
    amount numeric(39,0) NOT NULL,
    CONSTRAINT postings_pkey PRIMARY KEY (transfer_id, account_id),
    CONSTRAINT postings_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(account_id),
    CONSTRAINT postings_transfer_id_fkey FOREIGN KEY (transfer_id) REFERENCES transfers(transfer_id),
    CONSTRAINT postings_amount_check CHECK ((amount <> (0)::numeric))
);
CREATE INDEX postings_of ON postings USING btree (account_id);
CREATE TRIGGER postings_balanced AFTER INSERT ON postings REFERENCING NEW TABLE AS new_postings FOR EACH STATEMENT EXECUTE FUNCTION check_postings();
CREATE TRIGGER postings_covered AFTER INSERT ON postings REFERENCING NEW TABLE AS new_postings FOR EACH STATEMENT EXECUTE FUNCTION refuse_overdraft();
CREATE TRIGGER postings_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON postings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER postings_recorded AFTER INSERT ON postings FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- Uploads that were refused before they were stored: one row for each round and reason.
CREATE TABLE refusals (
    -- The round.
    round_id bytea NOT NULL,
    -- Code of the problem in the response.
    reason text NOT NULL,
    -- How often it happened.
    count bigint NOT NULL,
    -- When it happened first.
    first_at timestamp with time zone NOT NULL,
    -- When it happened last.
    last_at timestamp with time zone NOT NULL,
    CONSTRAINT refusals_pkey PRIMARY KEY (round_id, reason),
    CONSTRAINT refusals_round_id_fkey FOREIGN KEY (round_id) REFERENCES rounds(round_id),
    CONSTRAINT refusals_count_check CHECK ((count > 0)),
    CONSTRAINT refusals_reason_check CHECK ((reason ~ '^[a-z-]{1,64}$'::text))
);

-- Sums of key shares over the set, one for each holder; append-only.
CREATE TABLE release_answers (
    -- The round.
    round_id bytea NOT NULL,
    -- Index of the holder; 0 is the aggregator.
    holder smallint NOT NULL,
    -- The signed answer, canonical encoding.
    answer bytea NOT NULL,
    -- When it was checked and stored.
    stored_at timestamp with time zone NOT NULL,
    CONSTRAINT release_answers_pkey PRIMARY KEY (round_id, holder),
    CONSTRAINT release_answers_round_id_fkey FOREIGN KEY (round_id) REFERENCES rounds(round_id),
    CONSTRAINT release_answers_holder_check CHECK (((holder >= 0) AND (holder <= 7)))
);
CREATE TRIGGER release_answers_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON release_answers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER release_answers_recorded AFTER INSERT ON release_answers FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- The combiner whose sum of key shares a round waits for. A row of a round that is no longer
-- releasing means nothing.
CREATE TABLE release_waits (
    -- The round.
    round_id bytea NOT NULL,
    -- Index of the combiner.
    holder smallint NOT NULL,
    -- Code of the problem.
    reason text NOT NULL,
    -- When the round first waited for this combiner and reason.
    since timestamp with time zone NOT NULL,
    CONSTRAINT release_waits_pkey PRIMARY KEY (round_id),
    CONSTRAINT release_waits_round_id_fkey FOREIGN KEY (round_id) REFERENCES rounds(round_id),
    CONSTRAINT release_waits_holder_check CHECK (((holder >= 1) AND (holder <= 7))),
    CONSTRAINT release_waits_reason_check CHECK ((reason ~ '^[a-z-]{1,64}$'::text))
);

-- Events from which a participant's reputation is computed, written by a trigger; append-only.
CREATE TABLE reputation_events (
    -- Order of writing.
    event_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- The participant.
    subject text COLLATE "C" NOT NULL,
    -- The round.
    round_id bytea NOT NULL,
    -- The contribution.
    contribution_id bytea NOT NULL,
    -- included: the contribution is in a sum. rejected: its norm proof is bad. A share that a
    -- holder refused is no event, because nobody else can check that. Nothing writes the others
    -- yet: dropped is for rounds that participants join beforehand, scored is for scores.
    kind text NOT NULL,
    -- The score, in millionths.
    score_ppm integer,
    -- When it happened.
    happened_at timestamp with time zone NOT NULL,
    CONSTRAINT reputation_events_pkey PRIMARY KEY (event_id),
    CONSTRAINT reputation_events_round_id_contribution_id_kind_key UNIQUE (round_id, contribution_id, kind),
    CONSTRAINT reputation_events_round_id_contribution_id_fkey FOREIGN KEY (round_id, contribution_id) REFERENCES contributions(round_id, contribution_id),
    CONSTRAINT reputation_events_subject_fkey FOREIGN KEY (subject) REFERENCES participants(subject),
    CONSTRAINT reputation_events_check CHECK (((kind = 'scored'::text) = (score_ppm IS NOT NULL))),
    CONSTRAINT reputation_events_kind_check CHECK ((kind = ANY (ARRAY['included'::text, 'rejected'::text, 'dropped'::text, 'scored'::text]))),
    CONSTRAINT reputation_events_score_ppm_check CHECK (((score_ppm >= 0) AND (score_ppm <= 1000000)))
);
CREATE INDEX reputation_events_of ON reputation_events USING btree (subject, event_id);
CREATE TRIGGER reputation_events_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON reputation_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Published results; append-only.
CREATE TABLE results (
    -- The round.
    round_id bytea NOT NULL,
    -- Contributions in the sum.
    count integer NOT NULL,
    -- Sum of their weights.
    total_weight bigint NOT NULL,
    -- Merkle root over the digests of the chunks.
    sum_digest bytea NOT NULL,
    -- Largest distance from a multiple of the scale: a diagnostic.
    residual_max bigint NOT NULL,
    -- Euclidean norm of the decoded mean.
    mean_norm double precision NOT NULL,
    -- Average, smallest and largest coordinate of each tensor of the mean.
    tensors jsonb NOT NULL,
    -- The signed result, canonical encoding.
    result bytea NOT NULL,
    -- When it was published.
    published_at timestamp with time zone NOT NULL,
    CONSTRAINT results_pkey PRIMARY KEY (round_id),
    CONSTRAINT results_round_id_fkey FOREIGN KEY (round_id) REFERENCES rounds(round_id),
    CONSTRAINT results_count_check CHECK ((count >= 2)),
    CONSTRAINT results_residual_max_check CHECK ((residual_max >= 0)),
    CONSTRAINT results_sum_digest_check CHECK ((octet_length(sum_digest) = 32)),
    CONSTRAINT results_total_weight_check CHECK ((total_weight > 0))
);
CREATE TRIGGER results_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON results FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER results_recorded AFTER INSERT ON results FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- The set of a round, in ascending order of header hashes; append-only.
CREATE TABLE round_members (
    -- The round.
    round_id bytea NOT NULL,
    -- Index among the leaves of the set root, from 0.
    index integer NOT NULL,
    -- The contribution.
    contribution_id bytea NOT NULL,
    -- Hash of its header, the data of the leaf.
    header_hash bytea NOT NULL,
    CONSTRAINT round_members_pkey PRIMARY KEY (round_id, index),
    CONSTRAINT round_members_round_id_contribution_id_key UNIQUE (round_id, contribution_id),
    CONSTRAINT round_members_round_id_contribution_id_fkey FOREIGN KEY (round_id, contribution_id) REFERENCES contributions(round_id, contribution_id),
    CONSTRAINT round_members_round_id_header_hash_fkey FOREIGN KEY (round_id, header_hash) REFERENCES contributions(round_id, header_hash),
    CONSTRAINT round_members_index_check CHECK ((index >= 0))
);
CREATE TRIGGER round_members_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON round_members FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER round_members_recorded AFTER INSERT ON round_members FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- Rounds, from their document to their end.
CREATE TABLE rounds (
    -- Round id, chosen by the aggregator.
    round_id bytea NOT NULL,
    -- Hash of the round document.
    round_hash bytea NOT NULL,
    -- Number of the round, from 1, in the order of creation. Reputation decays with this number.
    sequence bigint,
    -- The operator's idempotency key; null if it sent none.
    request_key text,
    -- SHA-256 of the request that created the round.
    request_digest bytea NOT NULL,
    -- The round document, canonical encoding.
    document bytea NOT NULL,
    -- The aggregator's signature over the round hash.
    aggregator_signature bytea NOT NULL,
    -- The combiners' signatures, in their order; empty until all have signed.
    countersignatures bytea[] NOT NULL DEFAULT '{}'::bytea[],
    -- The model that clients start from.
    model_digest bytea NOT NULL,
    -- Coordinates of an update.
    dimension bigint NOT NULL,
    -- Chunks of a body.
    chunks integer NOT NULL,
    -- Size of the smallest set that may be summed.
    min_cohort integer NOT NULL,
    -- Capacity: size of the largest set that may be summed.
    max_contributions integer NOT NULL,
    -- How many contributions a participant may send; rejected ones count.
    max_attempts smallint NOT NULL,
    -- The proof that every contribution must carry.
    proof text NOT NULL,
    -- When uploads start.
    opens_at timestamp with time zone NOT NULL,
    -- The round does not close before this time.
    earliest_close_at timestamp with time zone NOT NULL,
    -- When uploads stop.
    closes_at timestamp with time zone NOT NULL,
    -- Until when combiners release the round.
    release_by timestamp with time zone NOT NULL,
    -- What the round pays to all participants together, in the smallest units; null if it pays
    -- nothing.
    payout_pool numeric(39,0),
    -- How the pool is split.
    payout_policy text,
    -- What the round pays in: a token by its CAIP-19 name, or points, which only the books know.
    payout_asset text COLLATE "C",
    -- Smallest reputation, in millionths, with which a participant is admitted.
    min_reputation_ppm integer NOT NULL DEFAULT 0,
    -- The state of the round.
    state text NOT NULL,
    -- Contributions that are not rejected.
    active integer NOT NULL DEFAULT 0,
    -- The sum of their weights.
    active_weight bigint NOT NULL DEFAULT 0,
    -- Merkle root of the set; null until the set is fixed.
    root bytea,
    -- Why the round failed, in words for the operator; they may name hosts and paths.
    failure text,
    -- Why the round failed, as everybody is told; null in a failed round means internal.
    failure_code text,
    -- When the document was written.
    created_at timestamp with time zone NOT NULL,
    -- The observed time when the document was written. The round goes on until as much time was
    -- observed since as the document gives it.
    observed_ms bigint NOT NULL,
    -- When the last countersignature arrived.
    opened_at timestamp with time zone,
    -- When uploads were no longer accepted.
    closed_at timestamp with time zone,
    -- When the set was fixed.
    fixed_at timestamp with time zone,
    -- When the bodies were added.
    folded_at timestamp with time zone,
    -- When the last answer of a holder arrived.
    released_at timestamp with time zone,
    -- When the round was published, failed or was cancelled.
    ended_at timestamp with time zone,
    CONSTRAINT rounds_pkey PRIMARY KEY (round_id),
    CONSTRAINT rounds_request_key_key UNIQUE (request_key),
    CONSTRAINT rounds_round_hash_key UNIQUE (round_hash),
    CONSTRAINT rounds_sequence_key UNIQUE (sequence),
    CONSTRAINT rounds_model_digest_fkey FOREIGN KEY (model_digest) REFERENCES models(digest),
    CONSTRAINT rounds_active_weight_check CHECK ((active_weight >= 0)),
    CONSTRAINT rounds_aggregator_signature_check CHECK ((octet_length(aggregator_signature) = 64)),
    CONSTRAINT rounds_check CHECK ((max_contributions >= min_cohort)),
    CONSTRAINT rounds_check1 CHECK ((earliest_close_at >= opens_at)),
    CONSTRAINT rounds_check2 CHECK ((closes_at >= earliest_close_at)),
    CONSTRAINT rounds_check3 CHECK ((release_by >= closes_at)),
    CONSTRAINT rounds_check4 CHECK (((active >= 0) AND (active <= max_contributions))),
    CONSTRAINT rounds_check5 CHECK ((((payout_pool IS NULL) = (payout_policy IS NULL)) AND ((payout_pool IS NULL) = (payout_asset IS NULL)))),
    CONSTRAINT rounds_check6 CHECK (((state = ANY (ARRAY['folding'::text, 'releasing'::text, 'unmasking'::text, 'published'::text])) <= (root IS NOT NULL))),
    CONSTRAINT rounds_check7 CHECK (((state = 'failed'::text) = (failure IS NOT NULL))),
    CONSTRAINT rounds_check8 CHECK (((failure_code IS NOT NULL) <= (state = 'failed'::text))),
    CONSTRAINT rounds_check9 CHECK (((state = ANY (ARRAY['published'::text, 'failed'::text, 'cancelled'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT rounds_chunks_check CHECK ((chunks > 0)),
    CONSTRAINT rounds_dimension_check CHECK ((dimension > 0)),
    CONSTRAINT rounds_failure_code_check CHECK ((failure_code ~ '^[a-z-]{1,64}$'::text)),
    CONSTRAINT rounds_max_attempts_check CHECK (((max_attempts >= 1) AND (max_attempts <= 8))),
    CONSTRAINT rounds_min_cohort_check CHECK ((min_cohort >= 2)),
    CONSTRAINT rounds_min_reputation_ppm_check CHECK (((min_reputation_ppm >= 0) AND (min_reputation_ppm <= 1000000))),
    CONSTRAINT rounds_observed_ms_check CHECK ((observed_ms >= 0)),
    CONSTRAINT rounds_payout_asset_check CHECK ((payout_asset ~ '^(points|eip155:[0-9]{1,19}/erc20:0x[0-9a-f]{40})$'::text)),
    CONSTRAINT rounds_payout_policy_check CHECK ((payout_policy ~ '^[a-z-]{1,64}$'::text)),
    CONSTRAINT rounds_payout_pool_check CHECK ((payout_pool > (0)::numeric)),
    CONSTRAINT rounds_proof_check CHECK ((proof = ANY (ARRAY['none'::text, 'norm-v2'::text]))),
    CONSTRAINT rounds_request_digest_check CHECK ((octet_length(request_digest) = 32)),
    CONSTRAINT rounds_request_key_check CHECK (((length(request_key) >= 1) AND (length(request_key) <= 255))),
    CONSTRAINT rounds_root_check CHECK ((octet_length(root) = 32)),
    CONSTRAINT rounds_round_hash_check CHECK ((octet_length(round_hash) = 32)),
    CONSTRAINT rounds_round_id_check CHECK ((octet_length(round_id) = 16)),
    CONSTRAINT rounds_sequence_check CHECK ((sequence > 0)),
    CONSTRAINT rounds_state_check CHECK ((state = ANY (ARRAY['preparing'::text, 'open'::text, 'settling'::text, 'folding'::text, 'releasing'::text, 'unmasking'::text, 'published'::text, 'failed'::text, 'cancelled'::text])))
);
CREATE INDEX rounds_by_state ON rounds USING btree (state, round_id);
CREATE INDEX rounds_unfinished ON rounds USING btree (round_id) WHERE (state <> ALL (ARRAY['published'::text, 'failed'::text, 'cancelled'::text]));
CREATE UNIQUE INDEX rounds_one_for_a_model ON rounds USING btree (model_digest) WHERE (state <> ALL (ARRAY['published'::text, 'failed'::text, 'cancelled'::text]));
CREATE TRIGGER rounds_kept BEFORE DELETE OR TRUNCATE ON rounds FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER rounds_numbered BEFORE INSERT ON rounds FOR EACH ROW EXECUTE FUNCTION number_round();
CREATE TRIGGER rounds_recorded AFTER INSERT OR UPDATE OF round_id, round_hash, model_digest, document, aggregator_signature, countersignatures, state, dimension, chunks, min_cohort, max_contributions, max_attempts, proof, opens_at, earliest_close_at, closes_at, root, failure_code, created_at, opened_at, closed_at, fixed_at, folded_at, released_at, ended_at, sequence, payout_pool, payout_policy, payout_asset, min_reputation_ppm ON rounds FOR EACH ROW EXECUTE FUNCTION record_in_log();
CREATE TRIGGER rounds_transition BEFORE UPDATE ON rounds FOR EACH ROW EXECUTE FUNCTION check_round_transition();

-- The functions, triggers, views and grants that the database has now: one row, written by the
-- migrator.
CREATE TABLE schema_definitions (
    -- Their version; a program needs its own version or a later one.
    version bigint NOT NULL,
    -- SHA-256 of their files.
    digest bytea NOT NULL,
    -- Statements that drop them.
    undo text[] NOT NULL,
    -- When they were applied.
    applied_at timestamp with time zone NOT NULL,
    CONSTRAINT schema_definitions_pkey PRIMARY KEY (version),
    CONSTRAINT schema_definitions_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT schema_definitions_version_check CHECK ((version > 0))
);

-- Signed statements of holders that they refuse a contribution; append-only.
CREATE TABLE signed_refusals (
    -- The round.
    round_id bytea NOT NULL,
    -- The contribution.
    contribution_id bytea NOT NULL,
    -- Index of the holder; 0 is the aggregator.
    holder smallint NOT NULL,
    -- The signed refusal, canonical encoding.
    refusal bytea NOT NULL,
    -- When it was checked and stored.
    stored_at timestamp with time zone NOT NULL,
    CONSTRAINT signed_refusals_pkey PRIMARY KEY (round_id, contribution_id, holder),
    CONSTRAINT signed_refusals_round_id_contribution_id_fkey FOREIGN KEY (round_id, contribution_id) REFERENCES contributions(round_id, contribution_id),
    CONSTRAINT signed_refusals_holder_check CHECK (((holder >= 0) AND (holder <= 7)))
);
CREATE TRIGGER signed_refusals_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON signed_refusals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER signed_refusals_recorded AFTER INSERT ON signed_refusals FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- Chunks of the sum that are in the object store.
CREATE TABLE sum_chunks (
    -- The round.
    round_id bytea NOT NULL,
    -- Index of the chunk.
    chunk integer NOT NULL,
    -- BLAKE3 of the sum of the bodies in this chunk. Null means that it is read back without being
    -- compared.
    folded_digest bytea,
    -- When the sum of the bodies was durable.
    folded_at timestamp with time zone NOT NULL,
    -- BLAKE3 of the unmasked chunk.
    digest bytea,
    -- Largest distance from a multiple of the scale in this chunk.
    residual_max bigint,
    -- When the unmasked chunk was durable.
    unmasked_at timestamp with time zone,
    CONSTRAINT sum_chunks_pkey PRIMARY KEY (round_id, chunk),
    CONSTRAINT sum_chunks_round_id_fkey FOREIGN KEY (round_id) REFERENCES rounds(round_id),
    CONSTRAINT sum_chunks_check CHECK ((((digest IS NULL) = (unmasked_at IS NULL)) AND ((residual_max IS NULL) = (unmasked_at IS NULL)))),
    CONSTRAINT sum_chunks_chunk_check CHECK ((chunk >= 0)),
    CONSTRAINT sum_chunks_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT sum_chunks_folded_digest_check CHECK ((octet_length(folded_digest) = 32)),
    CONSTRAINT sum_chunks_residual_max_check CHECK ((residual_max >= 0))
);

-- Transfers of the books, each of at least two postings that sum to zero; append-only.
CREATE TABLE transfers (
    -- Identifier.
    transfer_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    -- round: the pool of a round, from the treasury to participants. batch: balances, from
    -- participants to the distributor.
    kind text NOT NULL,
    -- The round that pays, or whose payout caused the batch. Each happens once in a round. Null
    -- for a batch that the operator asked for.
    round_id bytea,
    -- The batch.
    batch_id bigint,
    -- What is moved; all accounts of the transfer count it.
    asset text COLLATE "C" NOT NULL,
    -- When it was posted.
    posted_at timestamp with time zone NOT NULL,
    CONSTRAINT transfers_pkey PRIMARY KEY (transfer_id),
    CONSTRAINT transfers_batch_id_key UNIQUE (batch_id),
    CONSTRAINT transfers_round_id_kind_key UNIQUE (round_id, kind),
    CONSTRAINT transfers_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES payout_batches(batch_id),
    CONSTRAINT transfers_round_id_fkey FOREIGN KEY (round_id) REFERENCES rounds(round_id),
    CONSTRAINT transfers_check CHECK (((kind = 'batch'::text) = (batch_id IS NOT NULL))),
    CONSTRAINT transfers_kind_check CHECK ((kind = ANY (ARRAY['round'::text, 'batch'::text]))),
    CONSTRAINT transfers_of_rounds CHECK (((kind <> 'round'::text) OR (round_id IS NOT NULL)))
);
CREATE CONSTRAINT TRIGGER transfers_balanced AFTER INSERT ON transfers DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_transfer();
CREATE TRIGGER transfers_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON transfers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfers_recorded AFTER INSERT ON transfers FOR EACH ROW EXECUTE FUNCTION record_in_log();

-- Signed statements of combiners that they released nothing of a round and have destroyed its
-- key; append-only. With all of them, participants may send their updates again.
CREATE TABLE unreleased (
    -- The round, which has ended without a release.
    round_id bytea NOT NULL,
    -- The combiner's index among the holders.
    holder smallint NOT NULL,
    -- The signed statement, canonical encoding.
    statement bytea NOT NULL,
    -- When it was stored.
    stored_at timestamp with time zone NOT NULL,
    CONSTRAINT unreleased_pkey PRIMARY KEY (round_id, holder),
    CONSTRAINT unreleased_round_id_fkey FOREIGN KEY (round_id) REFERENCES rounds(round_id),
    CONSTRAINT unreleased_holder_check CHECK (((holder >= 1) AND (holder <= 7)))
);
CREATE TRIGGER unreleased_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON unreleased FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Grants to the roles aggregator_rw, auditor_ro and payer_rw what they need, and no more.
-- Returns the roles that exist.
FUNCTION apply_grants()
    RETURNS text[] LANGUAGE plpgsql
    SET search_path=public, pg_temp
    REVOKED FROM PUBLIC;

-- Keeps a contribution to its states, and what is recorded of it as it is.
FUNCTION check_contribution_transition()
    RETURNS trigger LANGUAGE plpgsql
    SET search_path=public, pg_temp;

-- The postings of a transfer are written by one statement and balance.
FUNCTION check_postings()
    RETURNS trigger LANGUAGE plpgsql
    SET search_path=public, pg_temp;

-- Keeps a round to its states, and what is recorded of it as it is.
FUNCTION check_round_transition()
    RETURNS trigger LANGUAGE plpgsql
    SET search_path=public, pg_temp;

-- A transfer balances at the end of the transaction that posts it.
FUNCTION check_transfer()
    RETURNS trigger LANGUAGE plpgsql
    SET search_path=public, pg_temp;

-- How the tables of events differ from the changes of contributions in the log.
FUNCTION event_problems()
    RETURNS TABLE(table_name text, key text, column_name text, problem text) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path=public, pg_temp
    REVOKED FROM PUBLIC;

-- Changes of rows that the log has and the rules of their tables do not allow.
FUNCTION history_problems()
    RETURNS TABLE(table_name text, key text, column_name text, problem text) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path=public, pg_temp
    REVOKED FROM PUBLIC;

-- Waits until no other transaction holds the latch, then holds it until the end of this
-- transaction.
FUNCTION hold_latch(latch text)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path=public, pg_temp
    REVOKED FROM PUBLIC;

-- A list of bytes as the log names them.
FUNCTION log_bytes(list bytea[])
    RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- Bytes as the log names them: at most 32 bytes in hexadecimal, more than 32 by their SHA-256.
-- The prefix sha256: tells the two apart.
FUNCTION log_bytes(value bytea)
    RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE;

FUNCTION log_entry(r accounts)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r attestations)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r claim_addresses)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r contributions)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r credentials)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r erasures)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r log_checkpoints)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r models)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r participants)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r payments)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r payout_batches)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r payout_lines)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r payouts)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r postings)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r release_answers)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r results)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r round_members)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r rounds)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r signed_refusals)
    RETURNS jsonb LANGUAGE sql STABLE;

FUNCTION log_entry(r transfers)
    RETURNS jsonb LANGUAGE sql STABLE;

-- What is wrong with the log itself: gaps, hashes, nodes, the roots of the checkpoints.
-- Signatures are not checked here.
FUNCTION log_problems()
    RETURNS TABLE(table_name text, key text, column_name text, problem text) LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path=public, pg_temp
    REVOKED FROM PUBLIC;

-- Root of the tree of the first entries of the log, as many as given; null if some are
-- missing.
FUNCTION log_root(log_size bigint)
    RETURNS bytea LANGUAGE plpgsql STABLE
    SET search_path=public, pg_temp;

-- A time as the log names it: microseconds since the Unix epoch.
FUNCTION log_time(value timestamp with time zone)
    RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE;

-- Numbers rounds without gaps.
FUNCTION number_round()
    RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path=public, pg_temp
    REVOKED FROM PUBLIC;

-- When the signed log will have the contribution at the latest, as its receipt promises.
FUNCTION receipt_included_by(receipt bytea)
    RETURNS timestamp with time zone LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- Appends to contribution_events.
FUNCTION record_contribution_event()
    RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path=public, pg_temp
    REVOKED FROM PUBLIC;

-- Trigger of the recorded tables: appends the row, as it is now, to the outbox of the log.
FUNCTION record_in_log()
    RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path=public, pg_temp
    REVOKED FROM PUBLIC;

-- Everything in this database that contradicts the log or the log's own hashes; no rows if
-- nothing does.
FUNCTION record_problems()
    RETURNS TABLE(table_name text, key text, column_name text, problem text) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path=public, pg_temp
    REVOKED FROM PUBLIC;

-- Appends to reputation_events.
FUNCTION record_reputation_event()
    RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path=public, pg_temp
    REVOKED FROM PUBLIC;

-- The tables whose rows the log records. Each row of an append-only table has one entry.
FUNCTION recorded_tables()
    RETURNS TABLE(table_name text, append_only boolean) LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- Trigger of the append-only tables.
FUNCTION refuse_change()
    RETURNS trigger LANGUAGE plpgsql;

-- Only the treasury may owe: two batches at the same time cannot take the same balance.
FUNCTION refuse_overdraft()
    RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path=public, pg_temp
    REVOKED FROM PUBLIC;

-- How the rows of a recorded table differ from their last entries in the log.
FUNCTION row_problems(name text, append_only boolean)
    RETURNS TABLE(table_name text, key text, column_name text, problem text) LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path=public, pg_temp
    REVOKED FROM PUBLIC;

-- Gives an index in the log to the first entries of the outbox, as many as asked for. Entries
-- that other transactions committed meanwhile before the last of them get one too. The caller
-- adds the nodes above them in the same transaction.
FUNCTION sequence_log(batch integer)
    RETURNS TABLE(index bigint, leaf_hash bytea) LANGUAGE plpgsql SECURITY DEFINER
    SET search_path=public, pg_temp
    REVOKED FROM PUBLIC;

-- Which states of a round and of a contribution may follow each other: the only list of them
-- in the database.
FUNCTION state_transitions()
    RETURNS TABLE(table_name text, before text, after text) LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- The holders' answers with their sums of key shares, by digest; 0 is the aggregator.
VIEW audit.answers (
    round bigint,
    holder smallint,
    answer_digest bytea,
    stored_at timestamp with time zone
);

-- The combiners' attestations, by digest.
VIEW audit.attestations (
    round bigint,
    subject text COLLATE "C",
    contribution_id bytea,
    holder smallint,
    attestation_digest bytea,
    stored_at timestamp with time zone
);

-- Accounts and their balances.
VIEW audit.balances (
    account_id bigint,
    kind text,
    subject text COLLATE "C",
    asset text COLLATE "C",
    balance numeric
);

-- The balances in each batch.
VIEW audit.batch_lines (
    batch_id bigint,
    subject text COLLATE "C",
    address bytea,
    amount numeric(39,0)
);

-- Batches that were handed to the distributor, and their payments.
VIEW audit.batches (
    batch_id bigint,
    round bigint,
    asset text COLLATE "C",
    root bytea,
    lines integer,
    total numeric(39,0),
    made_at timestamp with time zone,
    reference text,
    paid_at timestamp with time zone
);

-- What the aggregator has signed about the log.
VIEW audit.checkpoints (
    size bigint,
    root bytea,
    note text,
    signed_at timestamp with time zone
);

-- Where participants want to be paid, and where they wanted it before. The latest message that
-- is signed with the participant's present key counts.
VIEW audit.claim_addresses (
    subject text COLLATE "C",
    chain_id bigint,
    sequence bigint,
    address bytea,
    message bytea,
    stored_at timestamp with time zone,
    latest boolean
);

-- Every change of a contribution's state.
VIEW audit.contribution_history (
    round bigint,
    subject text COLLATE "C",
    contribution_id bytea,
    state text,
    reason text,
    happened_at timestamp with time zone
);

-- Contributions for which receipts were given, as they are now.
VIEW audit.contributions (
    round bigint,
    round_id bytea,
    contribution_id bytea,
    subject text COLLATE "C",
    client_key bytea,
    header_hash bytea,
    weight integer,
    state text,
    reason text,
    received_at timestamp with time zone,
    changed_at timestamp with time zone,
    included_by timestamp with time zone,
    proof_time_us bigint
);

-- The log.
VIEW audit.log (
    index bigint,
    table_name text COLLATE "C",
    key text COLLATE "C",
    entry jsonb,
    leaf_hash bytea,
    recorded_at timestamp with time zone,
    sequenced_at timestamp with time zone
);

-- Entries that have no index in the log yet.
VIEW audit.log_waiting (
    outbox_id bigint,
    table_name text COLLATE "C",
    key text COLLATE "C",
    entry jsonb,
    recorded_at timestamp with time zone
);

-- The sets of rounds.
VIEW audit.members (
    round bigint,
    index integer,
    subject text COLLATE "C",
    contribution_id bytea,
    header_hash bytea,
    weight integer
);

-- Participants and their present credentials.
VIEW audit.participants (
    subject text COLLATE "C",
    client_key bytea,
    credential_epoch bigint,
    credential_digest bytea,
    enrolled_at timestamp with time zone,
    renewed_at timestamp with time zone
);

-- What each contribution earned, by which policy, from which pool.
VIEW audit.payouts (
    round bigint,
    subject text COLLATE "C",
    contribution_id bytea,
    policy text,
    pool numeric(39,0),
    asset text COLLATE "C",
    weight integer,
    score_ppm integer,
    reputation_ppm integer,
    amount numeric(39,0)
);

-- The books, line by line.
VIEW audit.postings (
    transfer_id bigint,
    transfer text,
    round bigint,
    batch_id bigint,
    account text,
    subject text COLLATE "C",
    asset text COLLATE "C",
    amount numeric(39,0),
    posted_at timestamp with time zone
);

-- Receipts, the index of their contributions in the log, and the first checkpoint that covers
-- it.
VIEW audit.receipts (
    round bigint,
    subject text COLLATE "C",
    contribution_id bytea,
    received_at timestamp with time zone,
    included_by timestamp with time zone,
    log_index bigint,
    checkpoint_size bigint,
    checkpoint_signed_at timestamp with time zone,
    overdue boolean
);

-- Receipts that no checkpoint covers yet.
VIEW audit.receipts_waiting (
    round bigint,
    subject text COLLATE "C",
    contribution_id bytea,
    received_at timestamp with time zone,
    included_by timestamp with time zone,
    overdue boolean
);

-- Everything in this database that contradicts the log or the log's own hashes. Reads all of
-- it.
VIEW audit.record_problems (
    table_name text,
    key text,
    column_name text,
    problem text
);

-- Uploads that were refused before they were stored. They are only counted.
VIEW audit.refusals (
    round bigint,
    reason text,
    count bigint,
    first_at timestamp with time zone,
    last_at timestamp with time zone
);

-- Events from which reputations are computed.
VIEW audit.reputation_events (
    event_id bigint,
    subject text COLLATE "C",
    round bigint,
    contribution_id bytea,
    kind text,
    score_ppm integer,
    happened_at timestamp with time zone
);

-- Published results.
VIEW audit.results (
    round bigint,
    count integer,
    total_weight bigint,
    sum_digest bytea,
    residual_max bigint,
    mean_norm double precision,
    published_at timestamp with time zone
);

-- Rounds: what they demanded, what they paid, how they ended.
VIEW audit.rounds (
    round bigint,
    round_id bytea,
    round_hash bytea,
    state text,
    failure_code text,
    proof text,
    min_cohort integer,
    max_contributions integer,
    min_reputation_ppm integer,
    payout_policy text,
    payout_pool numeric(39,0),
    payout_asset text COLLATE "C",
    combiners integer,
    root bytea,
    created_at timestamp with time zone,
    opened_at timestamp with time zone,
    closed_at timestamp with time zone,
    fixed_at timestamp with time zone,
    released_at timestamp with time zone,
    ended_at timestamp with time zone,
    erased_at timestamp with time zone
);

-- The holders' signed refusals of contributions, by digest; 0 is the aggregator.
VIEW audit.signed_refusals (
    round bigint,
    subject text COLLATE "C",
    contribution_id bytea,
    holder smallint,
    refusal_digest bytea,
    stored_at timestamp with time zone
);

-- Participants with their contributions by state.
VIEW participant_contributions (
    subject text COLLATE "C",
    received bigint,
    verified bigint,
    rejected bigint,
    included bigint,
    excluded bigint,
    last_received_at timestamp with time zone
);

-- The log, followed by the entries that have no index yet.
VIEW recorded_entries (
    table_name text COLLATE "C",
    key text COLLATE "C",
    entry jsonb,
    stage integer,
    "position" bigint
);

-- Rejected contributions and refused uploads, by reason.
VIEW rejections_by_reason (
    round_id bytea,
    reason text,
    stage text,
    count bigint,
    last_at timestamp with time zone
);

-- Rounds with their contributions by state and the progress of their closing.
VIEW round_overview (
    round_id bytea,
    state text,
    dimension bigint,
    min_cohort integer,
    max_contributions integer,
    opens_at timestamp with time zone,
    closes_at timestamp with time zone,
    failure text,
    received bigint,
    verified bigint,
    rejected bigint,
    included bigint,
    excluded bigint,
    chunks integer,
    folded bigint,
    unmasked bigint,
    failure_code text
);

GRANT USAGE ON SCHEMA audit TO aggregator_rw;
GRANT USAGE ON SCHEMA audit TO auditor_ro;
GRANT USAGE ON SCHEMA audit TO payer_rw;
GRANT INSERT, SELECT ON accounts TO aggregator_rw;
GRANT INSERT, SELECT ON attestations TO aggregator_rw;
GRANT SELECT ON audit.answers TO auditor_ro;
GRANT SELECT ON audit.attestations TO auditor_ro;
GRANT SELECT ON audit.balances TO auditor_ro;
GRANT SELECT ON audit.balances TO payer_rw;
GRANT SELECT ON audit.batch_lines TO auditor_ro;
GRANT SELECT ON audit.batch_lines TO payer_rw;
GRANT SELECT ON audit.batches TO auditor_ro;
GRANT SELECT ON audit.batches TO payer_rw;
GRANT SELECT ON audit.checkpoints TO auditor_ro;
GRANT SELECT ON audit.claim_addresses TO auditor_ro;
GRANT SELECT ON audit.claim_addresses TO payer_rw;
GRANT SELECT ON audit.contribution_history TO auditor_ro;
GRANT SELECT ON audit.contributions TO auditor_ro;
GRANT SELECT ON audit.log TO auditor_ro;
GRANT SELECT ON audit.log_waiting TO auditor_ro;
GRANT SELECT ON audit.members TO auditor_ro;
GRANT SELECT ON audit.participants TO auditor_ro;
GRANT SELECT ON audit.payouts TO auditor_ro;
GRANT SELECT ON audit.payouts TO payer_rw;
GRANT SELECT ON audit.postings TO auditor_ro;
GRANT SELECT ON audit.receipts TO auditor_ro;
GRANT SELECT ON audit.receipts_waiting TO aggregator_rw;
GRANT SELECT ON audit.receipts_waiting TO auditor_ro;
GRANT SELECT ON audit.record_problems TO auditor_ro;
GRANT SELECT ON audit.refusals TO auditor_ro;
GRANT SELECT ON audit.reputation_events TO auditor_ro;
GRANT SELECT ON audit.results TO auditor_ro;
GRANT SELECT ON audit.rounds TO auditor_ro;
GRANT SELECT ON audit.signed_refusals TO auditor_ro;
GRANT INSERT, SELECT ON claim_addresses TO aggregator_rw;
GRANT SELECT ON contribution_events TO aggregator_rw;
GRANT INSERT, SELECT, UPDATE (sealed_seeds, proof, state, reason, proof_time_us, changed_at) ON contributions TO aggregator_rw;
GRANT INSERT, SELECT ON credentials TO aggregator_rw;
GRANT INSERT, SELECT ON erasures TO aggregator_rw;
GRANT INSERT, SELECT, UPDATE ON jobs TO aggregator_rw;
GRANT SELECT ON latches TO aggregator_rw;
GRANT INSERT, SELECT ON log_checkpoints TO aggregator_rw;
GRANT SELECT ON log_entries TO aggregator_rw;
GRANT INSERT, SELECT ON log_nodes TO aggregator_rw;
GRANT SELECT ON log_outbox TO aggregator_rw;
GRANT INSERT, SELECT ON models TO aggregator_rw;
GRANT SELECT, UPDATE (observed_ms) ON observed_time TO aggregator_rw;
GRANT SELECT ON participant_contributions TO aggregator_rw;
GRANT INSERT, SELECT, UPDATE (client_key, credential_epoch, credential, renewed_at) ON participants TO aggregator_rw;
GRANT INSERT (batch_id, reference), SELECT ON payments TO payer_rw;
GRANT SELECT ON payments TO aggregator_rw;
GRANT INSERT, SELECT ON payout_batches TO aggregator_rw;
GRANT INSERT, SELECT ON payout_lines TO aggregator_rw;
GRANT INSERT, SELECT ON payouts TO aggregator_rw;
GRANT INSERT, SELECT ON postings TO aggregator_rw;
GRANT SELECT ON recorded_entries TO aggregator_rw;
GRANT INSERT, SELECT, UPDATE (count, last_at) ON refusals TO aggregator_rw;
GRANT SELECT ON rejections_by_reason TO aggregator_rw;
GRANT INSERT, SELECT ON release_answers TO aggregator_rw;
GRANT INSERT, SELECT, UPDATE (holder, reason, since) ON release_waits TO aggregator_rw;
GRANT SELECT ON reputation_events TO aggregator_rw;
GRANT INSERT, SELECT ON results TO aggregator_rw;
GRANT INSERT, SELECT ON round_members TO aggregator_rw;
GRANT SELECT ON round_overview TO aggregator_rw;
GRANT INSERT, SELECT, UPDATE (countersignatures, state, active, active_weight, root, failure, failure_code, opened_at, closed_at, fixed_at, folded_at, released_at, ended_at) ON rounds TO aggregator_rw;
GRANT SELECT ON schema_definitions TO aggregator_rw;
GRANT INSERT, SELECT ON signed_refusals TO aggregator_rw;
GRANT INSERT, SELECT, UPDATE (digest, residual_max, unmasked_at) ON sum_chunks TO aggregator_rw;
GRANT INSERT, SELECT ON transfers TO aggregator_rw;
GRANT INSERT, SELECT ON unreleased TO aggregator_rw;
GRANT EXECUTE ON FUNCTION hold_latch(latch text) TO aggregator_rw;
GRANT EXECUTE ON FUNCTION record_problems() TO aggregator_rw;
GRANT EXECUTE ON FUNCTION record_problems() TO auditor_ro;
GRANT EXECUTE ON FUNCTION sequence_log(batch integer) TO aggregator_rw;
