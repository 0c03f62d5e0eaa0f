DROP TABLE refusals;
DROP TABLE rounds;
