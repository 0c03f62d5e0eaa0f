-- Undoes 0004. No data is lost.

DROP VIEW refusals_by_reason;
DROP VIEW round_overview;
