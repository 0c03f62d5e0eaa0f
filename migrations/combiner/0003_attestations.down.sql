DROP TABLE refusals;
DROP TABLE refused_proofs;
DROP TABLE receipts;
DROP TABLE attestations;
