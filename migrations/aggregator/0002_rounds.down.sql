DROP TABLE refusals;
DROP TABLE rounds;
DROP FUNCTION check_round_transition();
