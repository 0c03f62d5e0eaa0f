DROP TABLE refusals;
DROP TABLE attestations;
