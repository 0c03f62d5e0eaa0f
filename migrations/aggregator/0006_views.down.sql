DROP VIEW rejections_by_reason;
DROP VIEW participant_contributions;
DROP VIEW round_overview;
