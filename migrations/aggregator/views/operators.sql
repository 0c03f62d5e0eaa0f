-- What operators ask most often.

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
COMMENT ON VIEW round_overview IS
'Rounds with their contributions by state and the progress of their closing.';

CREATE VIEW participant_contributions AS
SELECT
    p.subject,
    COUNT(*) FILTER (WHERE c.state = 'received') AS received,
    COUNT(*) FILTER (WHERE c.state = 'verified') AS verified,
    COUNT(*) FILTER (WHERE c.state = 'rejected') AS rejected,
    COUNT(*) FILTER (WHERE c.state = 'included') AS included,
    COUNT(*) FILTER (WHERE c.state = 'excluded') AS excluded,
    MAX(c.received_at) AS last_received_at
FROM participants AS p
LEFT JOIN contributions AS c ON p.subject = c.subject
GROUP BY p.subject;
COMMENT ON VIEW participant_contributions IS 'Participants with their contributions by state.';

CREATE VIEW rejections_by_reason AS
SELECT
    round_id,
    reason,
    'stored' AS stage,
    COUNT(*) AS count,
    MAX(changed_at) AS last_at
FROM contributions
WHERE state = 'rejected'
GROUP BY round_id, reason
UNION ALL
SELECT
    round_id,
    reason,
    'upload' AS stage,
    count,
    last_at
FROM refusals;
COMMENT ON VIEW rejections_by_reason IS 'Rejected contributions and refused uploads, by reason.';
