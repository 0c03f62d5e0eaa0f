-- What a receipt says.

CREATE FUNCTION receipt_included_by(receipt BYTEA) RETURNS TIMESTAMPTZ
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    -- Eight bytes, the least significant first, before the signature (docs/wire-formats.md §8).
    SELECT CASE WHEN COUNT(*) = 8 THEN
        TO_TIMESTAMP(LEAST(SUM(GET_BYTE(receipt, 94 + i)::NUMERIC * 256 ^ i), 253402214400000) / 1000)
    END
    FROM GENERATE_SERIES(0, 7) AS i WHERE OCTET_LENGTH(receipt) = 166
$$;
COMMENT ON FUNCTION receipt_included_by(BYTEA) IS
'When the signed log will have the contribution at the latest, as its receipt promises.';
