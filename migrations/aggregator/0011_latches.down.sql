DROP TABLE latches;
