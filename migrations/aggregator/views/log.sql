-- The log with what waits to be in it.

CREATE VIEW recorded_entries AS
SELECT table_name, key, payload::JSONB -> 'row' AS entry, 0 AS stage, index AS position FROM log_entries
UNION ALL
SELECT table_name, key, payload::JSONB -> 'row' AS entry, 1 AS stage, outbox_id AS position FROM log_outbox;
COMMENT ON VIEW recorded_entries IS 'The log, followed by the entries that have no index yet.';
