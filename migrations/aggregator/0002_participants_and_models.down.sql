DROP TABLE models;
DROP TABLE credentials;
DROP TABLE participants;
