DROP TABLE models;
DROP TABLE participants;
DROP FUNCTION refuse_change();
