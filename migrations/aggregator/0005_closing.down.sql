DROP TABLE unreleased;
DROP TABLE results;
DROP TABLE sum_chunks;
DROP TABLE release_waits;
DROP TABLE release_answers;
DROP TABLE round_members;
