DROP TABLE signed_refusals;
DROP TABLE attestations;
DROP TABLE contribution_events;
DROP TABLE contributions;
