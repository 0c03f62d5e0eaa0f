DROP TABLE attestations;
DROP TABLE contribution_events;
DROP TABLE contributions;
