DROP TABLE destroyed_keys;
DROP TABLE releases;
