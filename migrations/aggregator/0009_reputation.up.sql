-- What reputations are computed from.

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
COMMENT ON TABLE reputation_events IS
'Events from which a participant''s reputation is computed, written by a trigger; append-only.';
COMMENT ON COLUMN reputation_events.event_id IS 'Order of writing.';
COMMENT ON COLUMN reputation_events.subject IS 'The participant.';
COMMENT ON COLUMN reputation_events.round_id IS 'The round.';
COMMENT ON COLUMN reputation_events.contribution_id IS 'The contribution.';
COMMENT ON COLUMN reputation_events.kind IS
'included: the contribution is in a sum. rejected: its norm proof is bad. A share that a '
'holder refused is no event, because nobody else can check that. Nothing writes the others yet: '
'dropped is for rounds that participants join beforehand, scored is for scores.';
COMMENT ON COLUMN reputation_events.score_ppm IS 'The score, in millionths.';
COMMENT ON COLUMN reputation_events.happened_at IS 'When it happened.';
CREATE INDEX reputation_events_of ON reputation_events (subject, event_id);
