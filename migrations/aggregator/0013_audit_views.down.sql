DROP SCHEMA audit CASCADE;
DROP FUNCTION receipt_included_by(BYTEA);
