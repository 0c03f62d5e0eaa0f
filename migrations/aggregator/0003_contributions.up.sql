-- Contributions, everything that happens to them, and the combiners' word on each. New tables only.

CREATE TABLE contributions (
    round_id BYTEA NOT NULL REFERENCES rounds,
    contribution_id BYTEA NOT NULL CHECK (octet_length(contribution_id) = 16),
    header_hash BYTEA NOT NULL CHECK (octet_length(header_hash) = 32),
    subject TEXT COLLATE "C" NOT NULL REFERENCES participants,
    client_key BYTEA NOT NULL CHECK (octet_length(client_key) = 32),
    weight INTEGER NOT NULL CHECK (weight > 0),
    header BYTEA NOT NULL,
    sealed_seeds BYTEA NOT NULL,
    proof BYTEA NOT NULL,
    body_location TEXT NOT NULL UNIQUE,
    receipt BYTEA NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('received', 'verified', 'rejected', 'included', 'excluded')),
    reason TEXT,
    received_at TIMESTAMPTZ NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_id, contribution_id),
    UNIQUE (round_id, header_hash),
    CHECK ((state IN ('rejected', 'excluded')) = (reason IS NOT NULL))
);
COMMENT ON TABLE contributions IS 'Contributions for which a receipt was given.';
COMMENT ON COLUMN contributions.round_id IS 'The round.';
COMMENT ON COLUMN contributions.contribution_id IS 'The client''s name for it.';
COMMENT ON COLUMN contributions.header_hash IS 'Hash of the header, which binds every byte of the message.';
COMMENT ON COLUMN contributions.subject IS 'Who contributed.';
COMMENT ON COLUMN contributions.client_key IS 'The key that signed.';
COMMENT ON COLUMN contributions.weight IS 'The public weight.';
COMMENT ON COLUMN contributions.header IS 'The signed header, canonical encoding.';
COMMENT ON COLUMN contributions.sealed_seeds IS 'The seeds of the key shares, each encrypted to its holder; never published.';
COMMENT ON COLUMN contributions.proof IS 'The norm proof; empty where the round demands none.';
COMMENT ON COLUMN contributions.body_location IS 'Path of the masked body in the object store.';
COMMENT ON COLUMN contributions.receipt IS 'The signed receipt, canonical encoding.';
COMMENT ON COLUMN contributions.state IS 'Where it is.';
COMMENT ON COLUMN contributions.reason IS 'Why it was rejected or excluded.';
COMMENT ON COLUMN contributions.received_at IS 'When it was durable.';
COMMENT ON COLUMN contributions.changed_at IS 'When the state last changed.';

CREATE UNIQUE INDEX contributions_one_active ON contributions (round_id, subject) WHERE state <> 'rejected';
CREATE INDEX contributions_by_subject ON contributions (subject, round_id);
CREATE INDEX contributions_unverified ON contributions (round_id) WHERE state = 'received';
CREATE INDEX contributions_by_state ON contributions (round_id, state);

CREATE TABLE contribution_events (
    event_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    round_id BYTEA NOT NULL,
    contribution_id BYTEA NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    happened_at TIMESTAMPTZ NOT NULL,
    FOREIGN KEY (round_id, contribution_id) REFERENCES contributions
);
COMMENT ON TABLE contribution_events IS 'Every change of a contribution''s state, written by a trigger; append-only.';
COMMENT ON COLUMN contribution_events.event_id IS 'Order of writing.';
COMMENT ON COLUMN contribution_events.round_id IS 'The round.';
COMMENT ON COLUMN contribution_events.contribution_id IS 'The contribution.';
COMMENT ON COLUMN contribution_events.state IS 'The state it came to.';
COMMENT ON COLUMN contribution_events.reason IS 'Why, if it was rejected or excluded.';
COMMENT ON COLUMN contribution_events.happened_at IS 'When.';
CREATE INDEX contribution_events_of ON contribution_events (round_id, contribution_id);

CREATE FUNCTION check_contribution_transition() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'received' THEN
            RAISE EXCEPTION 'a contribution starts as received' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('received', 'verified'), ('received', 'rejected'), ('received', 'excluded'),
        ('verified', 'included'), ('verified', 'excluded')
    ) THEN
        RAISE EXCEPTION 'a contribution does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    ELSIF (NEW.round_id, NEW.contribution_id, NEW.header, NEW.receipt)
        IS DISTINCT FROM (OLD.round_id, OLD.contribution_id, OLD.header, OLD.receipt) THEN
        RAISE EXCEPTION 'a contribution''s header and receipt never change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION check_contribution_transition() IS 'Keeps a contribution to its state machine.';

CREATE FUNCTION record_contribution_event() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO contribution_events (round_id, contribution_id, state, reason, happened_at)
    VALUES (NEW.round_id, NEW.contribution_id, NEW.state, NEW.reason, NEW.changed_at);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION record_contribution_event() IS 'Appends to contribution_events.';

CREATE TRIGGER contributions_transition BEFORE INSERT OR UPDATE ON contributions
FOR EACH ROW EXECUTE FUNCTION check_contribution_transition();
CREATE TRIGGER contributions_event AFTER INSERT OR UPDATE OF state ON contributions
FOR EACH ROW EXECUTE FUNCTION record_contribution_event();
CREATE TRIGGER contributions_kept BEFORE DELETE OR TRUNCATE ON contributions
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER contribution_events_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON contribution_events
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE attestations (
    round_id BYTEA NOT NULL,
    contribution_id BYTEA NOT NULL,
    holder SMALLINT NOT NULL CHECK (holder BETWEEN 1 AND 7),
    attestation BYTEA NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_id, contribution_id, holder),
    FOREIGN KEY (round_id, contribution_id) REFERENCES contributions
);
COMMENT ON TABLE attestations IS 'The combiners'' signed word that their shares of a contribution''s key are good; append-only.';
COMMENT ON COLUMN attestations.round_id IS 'The round.';
COMMENT ON COLUMN attestations.contribution_id IS 'The contribution.';
COMMENT ON COLUMN attestations.holder IS 'Index of the combiner among the share holders.';
COMMENT ON COLUMN attestations.attestation IS 'The signed attestation, canonical encoding.';
COMMENT ON COLUMN attestations.stored_at IS 'When it was checked and stored.';
CREATE TRIGGER attestations_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON attestations
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
