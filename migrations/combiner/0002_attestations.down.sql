-- Undoes 0002: no open round can be released afterwards.

DROP TABLE refusals;
DROP TABLE attestations;
