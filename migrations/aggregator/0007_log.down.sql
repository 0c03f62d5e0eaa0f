DROP TABLE log_checkpoints;
DROP TABLE log_nodes;
DROP TABLE log_entries;
DROP TABLE log_outbox;
