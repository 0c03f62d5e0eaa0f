DROP TABLE postings;
DROP TABLE transfers;
DROP TABLE payments;
DROP TABLE payout_lines;
DROP TABLE payout_batches;
DROP TABLE claim_addresses;
DROP TABLE payouts;
DROP TABLE accounts;
