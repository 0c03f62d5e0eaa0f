-- Some things happen one at a time: numbering rounds, giving entries their indexes, changing the
-- books. Each waits for a row that only the service can lock. An advisory lock would not do,
-- because every role that may connect can hold it.

CREATE TABLE latches (name TEXT PRIMARY KEY);
COMMENT ON TABLE latches IS
'Things that happen one at a time: the transaction that does one locks its row.';
COMMENT ON COLUMN latches.name IS 'What happens one at a time.';
INSERT INTO latches (name) VALUES ('rounds'), ('log'), ('books');
