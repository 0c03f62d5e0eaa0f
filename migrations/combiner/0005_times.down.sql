DROP TABLE registrars;
DROP TABLE observed_time;
