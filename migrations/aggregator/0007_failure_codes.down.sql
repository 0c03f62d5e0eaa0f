DROP VIEW round_overview;
ALTER TABLE rounds DROP COLUMN failure_code;
COMMENT ON COLUMN rounds.failure IS 'Why the round failed, in words for the operator.';

CREATE VIEW round_overview AS
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
    s.unmasked
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
COMMENT ON VIEW round_overview IS 'Rounds with their contributions by state and the progress of their closing.';
