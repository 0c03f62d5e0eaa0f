DROP TABLE observed_time;
