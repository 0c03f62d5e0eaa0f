DROP TABLE models;
DROP TABLE participants;
