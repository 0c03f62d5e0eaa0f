DROP FUNCTION record_problems();
DROP FUNCTION event_problems();
DROP FUNCTION history_problems();
DROP FUNCTION may_follow(TEXT, TEXT, TEXT);
DROP FUNCTION row_problems(TEXT, BOOLEAN);
DROP FUNCTION log_problems();
DROP FUNCTION log_root(BIGINT);
DROP VIEW recorded_entries;
DROP FUNCTION recorded_tables();
