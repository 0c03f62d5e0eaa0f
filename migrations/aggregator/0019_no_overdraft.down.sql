-- An exclusive lock of postings for a moment.

DROP TRIGGER postings_covered ON postings;
DROP FUNCTION refuse_overdraft();
