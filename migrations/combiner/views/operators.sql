-- What operators ask most often.

CREATE VIEW round_overview AS
SELECT
    r.round_hash,
    r.round_id,
    COALESCE(r.outcome, 'countersigned') AS state,
    r.countersigned_at,
    r.ended_at,
    a.attested,
    f.refused,
    s.root,
    s.member_count,
    d.destroyed_at AS key_destroyed_at
FROM rounds AS r
CROSS JOIN LATERAL (
    SELECT COUNT(*) AS attested FROM attestations WHERE attestations.round_hash = r.round_hash
) AS a
CROSS JOIN LATERAL (
    SELECT COALESCE(SUM(count), 0)::BIGINT AS refused FROM refusals WHERE refusals.round_hash = r.round_hash
) AS f
LEFT JOIN releases AS s ON r.round_hash = s.round_hash
LEFT JOIN destroyed_keys AS d ON r.round_hash = d.round_hash;
COMMENT ON VIEW round_overview IS
'Rounds with what was attested, refused and released in them, and when their key was destroyed.';

CREATE VIEW refusals_by_reason AS
SELECT
    reason,
    SUM(count)::BIGINT AS count,
    COUNT(*) AS rounds,
    MAX(last_at) AS last_at
FROM refusals
GROUP BY reason;
COMMENT ON VIEW refusals_by_reason IS 'Why contributions are refused, over all rounds.';
