-- The schema of a combiner's database, for reading. The bodies of functions and views are in
-- functions/ and views/. A test compares this file with a database, and writes it:
-- BLINDSUM_WRITE_SCHEMA=1 cargo test --release -p combiner --test it the_schema_is

-- Contributions whose key share is good; append-only. A set may have no other members.
CREATE TABLE attestations (
    -- The round. An attestation counts in no other round.
    round_hash bytea NOT NULL,
    -- Hash of the header, by which a set names its members.
    header_hash bytea NOT NULL,
    -- The participant. Contributions are counted by subject, because keys change and the subject
    -- does not.
    subject text COLLATE "C" NOT NULL,
    -- The commitment to this combiner's share of the mask key. No two contributions of a round
    -- have the same one.
    commitment bytea NOT NULL,
    -- The signed header, canonical encoding.
    header bytea NOT NULL,
    -- The sealed seeds. They are opened again for the release, and are worthless once the round
    -- key is destroyed.
    sealed_seeds bytea NOT NULL,
    -- The signed attestation, canonical encoding. A repeated request gets the same one.
    attestation bytea NOT NULL,
    -- When it was signed.
    attested_at timestamp with time zone NOT NULL,
    CONSTRAINT attestations_pkey PRIMARY KEY (round_hash, header_hash),
    CONSTRAINT attestations_round_hash_commitment_key UNIQUE (round_hash, commitment),
    CONSTRAINT attestations_round_hash_fkey FOREIGN KEY (round_hash) REFERENCES rounds(round_hash),
    CONSTRAINT attestations_commitment_check CHECK ((octet_length(commitment) = 32)),
    CONSTRAINT attestations_header_hash_check CHECK ((octet_length(header_hash) = 32))
);
CREATE INDEX attestations_by_subject ON attestations USING btree (round_hash, subject);
CREATE TRIGGER attestations_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON attestations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Rounds whose private key is no longer in the vault; append-only. At start-up, the key of an
-- ended round that is missing here is destroyed.
CREATE TABLE destroyed_keys (
    -- The round.
    round_hash bytea NOT NULL,
    -- The key's identifier in the round document.
    hpke_key_id bytea NOT NULL,
    -- When the key was found to be gone. No seed of the round can be opened after this.
    destroyed_at timestamp with time zone NOT NULL,
    CONSTRAINT destroyed_keys_pkey PRIMARY KEY (round_hash),
    CONSTRAINT destroyed_keys_round_hash_fkey FOREIGN KEY (round_hash) REFERENCES rounds(round_hash),
    CONSTRAINT destroyed_keys_hpke_key_id_check CHECK ((octet_length(hpke_key_id) = 16))
);
CREATE TRIGGER destroyed_keys_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON destroyed_keys FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- How long this combiner has been running, in one row. A wall clock that is set forward does
-- not change it, so no key is destroyed because of a wrong clock.
CREATE TABLE observed_time (
    -- True: there is one row.
    one boolean NOT NULL DEFAULT true,
    -- Milliseconds while the service was running, added once a minute and at most a minute at a
    -- time.
    observed_ms bigint NOT NULL,
    CONSTRAINT observed_time_pkey PRIMARY KEY (one),
    CONSTRAINT observed_time_observed_ms_check CHECK ((observed_ms >= 0)),
    CONSTRAINT observed_time_one_check CHECK (one)
);
CREATE TRIGGER observed_time_grows BEFORE UPDATE ON observed_time FOR EACH ROW WHEN ((new.observed_ms < old.observed_ms)) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER observed_time_kept BEFORE DELETE OR TRUNCATE ON observed_time FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Contributions for which a participant handed over the aggregator's receipt; append-only. A
-- set that leaves too many of them out is not released. The table names a round without a
-- foreign key, since that would lock the round, and anybody may hand over a receipt.
CREATE TABLE receipts (
    -- The round.
    round_hash bytea NOT NULL,
    -- Hash of the header that the receipt names.
    header_hash bytea NOT NULL,
    -- The participant, from the header.
    subject text COLLATE "C" NOT NULL,
    -- The weight of the contribution, from the header.
    weight bigint NOT NULL,
    -- The digest of the sealed seeds, from the header. A refusal of other seeds excuses nobody.
    sealed_digest bytea NOT NULL,
    -- When the receipt was handed over.
    received_at timestamp with time zone NOT NULL,
    CONSTRAINT receipts_pkey PRIMARY KEY (round_hash, header_hash),
    CONSTRAINT receipts_header_hash_check CHECK ((octet_length(header_hash) = 32)),
    CONSTRAINT receipts_round_hash_check CHECK ((octet_length(round_hash) = 32)),
    CONSTRAINT receipts_sealed_digest_check CHECK ((octet_length(sealed_digest) = 32)),
    CONSTRAINT receipts_weight_check CHECK (((weight >= 0) AND (weight <= '4294967295'::bigint)))
);
CREATE TRIGGER receipts_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON receipts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- How often contributions were refused. They are counted and not kept, so that worthless
-- messages cannot fill the database.
CREATE TABLE refusals (
    -- The round.
    round_hash bytea NOT NULL,
    -- Code of the problem.
    reason text NOT NULL,
    -- How often it happened, with repeated requests.
    count bigint NOT NULL,
    -- When it happened last, which tells old trouble from present trouble.
    last_at timestamp with time zone NOT NULL,
    CONSTRAINT refusals_pkey PRIMARY KEY (round_hash, reason),
    CONSTRAINT refusals_round_hash_fkey FOREIGN KEY (round_hash) REFERENCES rounds(round_hash),
    CONSTRAINT refusals_count_check CHECK ((count > 0))
);

-- Contributions whose proof this combiner checked itself and refused; append-only. A set may
-- leave their participants out.
CREATE TABLE refused_proofs (
    -- The round.
    round_hash bytea NOT NULL,
    -- Hash of the header, which binds the proof and the body.
    header_hash bytea NOT NULL,
    -- Code of the problem.
    reason text NOT NULL,
    -- When it was refused.
    refused_at timestamp with time zone NOT NULL,
    CONSTRAINT refused_proofs_pkey PRIMARY KEY (round_hash, header_hash),
    CONSTRAINT refused_proofs_header_hash_check CHECK ((octet_length(header_hash) = 32)),
    CONSTRAINT refused_proofs_round_hash_check CHECK ((octet_length(round_hash) = 32))
);
CREATE TRIGGER refused_proofs_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON refused_proofs FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The registrars whose rounds this combiner has countersigned.
CREATE TABLE registrars (
    -- Ed25519.
    registrar_key bytea NOT NULL,
    -- The highest epoch in a credential of this registrar that was attested, or in a statement
    -- that it signed. No round of an earlier epoch is countersigned.
    lowest_epoch bigint NOT NULL,
    CONSTRAINT registrars_pkey PRIMARY KEY (registrar_key),
    CONSTRAINT registrars_lowest_epoch_check CHECK (((lowest_epoch >= 0) AND (lowest_epoch <= '4294967295'::bigint))),
    CONSTRAINT registrars_registrar_key_check CHECK ((octet_length(registrar_key) = 32))
);
CREATE TRIGGER epochs_grow BEFORE UPDATE ON registrars FOR EACH ROW WHEN ((new.lowest_epoch < old.lowest_epoch)) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER registrars_kept BEFORE DELETE OR TRUNCATE ON registrars FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Sums of key shares that were released, for one set in each round; append-only. The vault has
-- the set root too, in case this table is restored from a backup.
CREATE TABLE releases (
    -- The round; the table's key, so that there is no second release.
    round_hash bytea NOT NULL,
    -- Merkle root of the set.
    root bytea NOT NULL,
    -- Size of the set.
    member_count integer NOT NULL,
    -- The signed answer, canonical encoding. A repeated request for the same set gets the same
    -- bytes.
    answer bytea NOT NULL,
    -- When it was released.
    released_at timestamp with time zone NOT NULL,
    CONSTRAINT releases_pkey PRIMARY KEY (round_hash),
    CONSTRAINT releases_round_hash_fkey FOREIGN KEY (round_hash) REFERENCES rounds(round_hash),
    CONSTRAINT releases_member_count_check CHECK ((member_count >= 2)),
    CONSTRAINT releases_root_check CHECK ((octet_length(root) = 32))
);
CREATE TRIGGER releases_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON releases FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Public halves of the round keys; append-only. The private halves are in the vault, because a
-- backup of the database must not hold them.
CREATE TABLE round_keys (
    -- The round for which the key was made. A repeated request gets the same key.
    round_id bytea NOT NULL,
    -- The key's identifier in the round document.
    hpke_key_id bytea NOT NULL,
    -- X-Wing: ML-KEM-768, then X25519.
    hpke_public_key bytea NOT NULL,
    -- When the key was made.
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT round_keys_pkey PRIMARY KEY (round_id),
    CONSTRAINT round_keys_hpke_key_id_key UNIQUE (hpke_key_id),
    CONSTRAINT round_keys_hpke_key_id_check CHECK ((octet_length(hpke_key_id) = 16)),
    CONSTRAINT round_keys_hpke_public_key_check CHECK ((octet_length(hpke_public_key) = 1216)),
    CONSTRAINT round_keys_round_id_check CHECK ((octet_length(round_id) = 16))
);
CREATE TRIGGER round_keys_kept BEFORE DELETE OR UPDATE OR TRUNCATE ON round_keys FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Rounds that this combiner countersigned.
CREATE TABLE rounds (
    -- Hash of the round document. Every signature of the round is bound to it.
    round_hash bytea NOT NULL,
    -- Round id, chosen by the aggregator; unique, so that no id is countersigned twice.
    round_id bytea NOT NULL,
    -- The model that clients start from. Two open rounds from one model are refused: their sums
    -- could differ by one contribution. This stops accidents, and no aggregator that changes one
    -- weight.
    model_digest bytea NOT NULL,
    -- The registrar whose credentials count in the round.
    registrar_key bytea NOT NULL,
    -- The layout of the updates. Few open rounds may have one registrar and one layout: their sums
    -- could differ by one contribution.
    layout_digest bytea NOT NULL,
    -- The round document, canonical encoding; the rules of the round are read from it.
    document bytea NOT NULL,
    -- The aggregator's signature, which proves what the aggregator proposed.
    aggregator_signature bytea NOT NULL,
    -- This combiner's index among the holders.
    holder smallint NOT NULL,
    -- This combiner's signature. A repeated request gets the same one.
    countersignature bytea NOT NULL,
    -- When it was signed.
    countersigned_at timestamp with time zone NOT NULL,
    -- The observed time when it was signed. The key is kept until as much time was observed since
    -- as the document gives the round.
    observed_ms bigint NOT NULL,
    -- When the round expires, from the document.
    release_by timestamp with time zone NOT NULL,
    -- When the aggregator first named a set; null before. From then on nothing is attested and no
    -- receipt is taken, so the company of the round is fixed.
    named_at timestamp with time zone,
    -- Contributions of participants that the last named set left out; at most 100. Empty if none
    -- was refused for that.
    waiting_for bytea[] NOT NULL DEFAULT '{}'::bytea[],
    -- How the round ended for this combiner; null while it is open.
    outcome text,
    -- When it ended.
    ended_at timestamp with time zone,
    CONSTRAINT rounds_pkey PRIMARY KEY (round_hash),
    CONSTRAINT rounds_round_id_key UNIQUE (round_id),
    CONSTRAINT rounds_round_id_fkey FOREIGN KEY (round_id) REFERENCES round_keys(round_id),
    CONSTRAINT rounds_aggregator_signature_check CHECK ((octet_length(aggregator_signature) = 64)),
    CONSTRAINT rounds_check CHECK (((outcome IS NULL) = (ended_at IS NULL))),
    CONSTRAINT rounds_countersignature_check CHECK ((octet_length(countersignature) = 64)),
    CONSTRAINT rounds_holder_check CHECK (((holder >= 1) AND (holder <= 7))),
    CONSTRAINT rounds_layout_digest_check CHECK ((octet_length(layout_digest) = 32)),
    CONSTRAINT rounds_model_digest_check CHECK ((octet_length(model_digest) = 32)),
    CONSTRAINT rounds_observed_ms_check CHECK ((observed_ms >= 0)),
    CONSTRAINT rounds_outcome_check CHECK ((outcome = ANY (ARRAY['released'::text, 'abandoned'::text, 'expired'::text]))),
    CONSTRAINT rounds_registrar_key_check CHECK ((octet_length(registrar_key) = 32)),
    CONSTRAINT rounds_round_hash_check CHECK ((octet_length(round_hash) = 32)),
    CONSTRAINT rounds_waiting_for_check CHECK ((cardinality(waiting_for) <= 100))
);
CREATE INDEX rounds_open ON rounds USING btree (registrar_key, layout_digest) WHERE (outcome IS NULL);
CREATE UNIQUE INDEX rounds_one_open_for_model ON rounds USING btree (model_digest) WHERE (outcome IS NULL);
CREATE TRIGGER rounds_end_once BEFORE UPDATE ON rounds FOR EACH ROW WHEN (((old.outcome IS NOT NULL) OR (old.round_hash <> new.round_hash) OR (old.round_id <> new.round_id) OR (old.document <> new.document) OR (old.countersignature <> new.countersignature) OR ((old.named_at IS NOT NULL) AND (new.named_at IS DISTINCT FROM old.named_at)))) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER rounds_kept BEFORE DELETE OR TRUNCATE ON rounds FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

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

-- Trigger of the append-only tables: a mistaken statement cannot rewrite them.
FUNCTION refuse_change()
    RETURNS trigger LANGUAGE plpgsql;

-- Why contributions are refused, over all rounds.
VIEW refusals_by_reason (
    reason text,
    count bigint,
    rounds bigint,
    last_at timestamp with time zone
);

-- Rounds with what was attested, refused and released in them, and when their key was
-- destroyed.
VIEW round_overview (
    round_hash bytea,
    round_id bytea,
    state text,
    countersigned_at timestamp with time zone,
    ended_at timestamp with time zone,
    attested bigint,
    refused bigint,
    root bytea,
    member_count integer,
    key_destroyed_at timestamp with time zone
);
