-- What anybody may know of a failure is a code; the words, which may name hosts and paths, are for the operator. A column
-- without a default, and a view: rounds are locked while their rows are checked, and code that does not know the column
-- runs on.

ALTER TABLE rounds ADD COLUMN failure_code TEXT
CHECK (failure_code ~ '^[a-z-]{1,64}$') CHECK ((failure_code IS NOT NULL) <= (state = 'failed'));
COMMENT ON COLUMN rounds.failure_code IS
'Why the round failed, as everybody is told; null in a failed round means internal.';
COMMENT ON COLUMN rounds.failure IS 'Why the round failed, in words for the operator: they may name hosts and paths.';

CREATE OR REPLACE VIEW round_overview AS
SELECT
    r.round_id,
    r.state,
    r.dimension,
    r.min_cohort,
    r.max_contributions,
    r.opens_at,
    r.closes_at,
    r.failure,
    c.received,
    c.verified,
    c.rejected,
    c.included,
    c.excluded,
    r.chunks,
    s.folded,
    s.unmasked,
    r.failure_code
FROM rounds AS r
CROSS JOIN LATERAL (
    SELECT
        COUNT(*) FILTER (WHERE state = 'received') AS received,
        COUNT(*) FILTER (WHERE state = 'verified') AS verified,
        COUNT(*) FILTER (WHERE state = 'rejected') AS rejected,
        COUNT(*) FILTER (WHERE state = 'included') AS included,
        COUNT(*) FILTER (WHERE state = 'excluded') AS excluded
    FROM contributions
    WHERE contributions.round_id = r.round_id
) AS c
CROSS JOIN LATERAL (
    SELECT
        COUNT(*) AS folded,
        COUNT(unmasked_at) AS unmasked
    FROM sum_chunks
    WHERE sum_chunks.round_id = r.round_id
) AS s;
