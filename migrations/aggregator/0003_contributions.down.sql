DROP TABLE attestations;
DROP TABLE contribution_events;
DROP TABLE contributions;
DROP FUNCTION record_contribution_event();
DROP FUNCTION check_contribution_transition();
