DELETE FROM jobs WHERE kind IN ('payout', 'checkpoint');
ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check;
ALTER TABLE jobs ADD CONSTRAINT jobs_kind_check CHECK (kind IN (
    'prepare', 'verify', 'close', 'fold', 'release', 'unmask', 'publish', 'retire'
));
CREATE OR REPLACE FUNCTION check_round_transition() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('preparing', 'open'), ('open', 'settling'), ('settling', 'folding'), ('folding', 'releasing'),
        ('releasing', 'unmasking'), ('unmasking', 'published'),
        ('preparing', 'failed'), ('open', 'failed'), ('settling', 'failed'), ('folding', 'failed'),
        ('releasing', 'failed'), ('unmasking', 'failed'),
        ('preparing', 'cancelled'), ('open', 'cancelled'), ('settling', 'cancelled')
    ) THEN
        RAISE EXCEPTION 'a round does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.round_id, NEW.round_hash, NEW.document) IS DISTINCT FROM (OLD.round_id, OLD.round_hash, OLD.document)
        OR (OLD.root IS NOT NULL AND NEW.root IS DISTINCT FROM OLD.root) THEN
        RAISE EXCEPTION 'the document and the fixed set of a round never change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE FUNCTION check_contribution_transition() RETURNS TRIGGER LANGUAGE plpgsql AS $$
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
ALTER FUNCTION check_round_transition() RESET ALL;
ALTER FUNCTION check_contribution_transition() RESET ALL;
DROP FUNCTION log_entry(ERASURES);
DROP TABLE erasures;
