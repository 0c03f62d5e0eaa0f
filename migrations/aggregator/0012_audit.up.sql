-- Where the views for auditors are.

CREATE SCHEMA audit;
COMMENT ON SCHEMA audit IS
'Views for auditors. Their column round is the number of a round, rounds.sequence.';
