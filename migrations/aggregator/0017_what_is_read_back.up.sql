-- Digests of what is read back from the object store, so that what is added is what was verified. Nullable columns without a default: an
-- exclusive lock of each table for a moment. Code that knows nothing of it runs on; what it writes is added unchecked, as before.

ALTER TABLE contributions ADD COLUMN chunk_digests BYTEA CHECK (OCTET_LENGTH(chunk_digests) % 32 = 0);
COMMENT ON COLUMN contributions.chunk_digests IS
'BLAKE3 of each chunk of the body, one after the other: the leaves below the digest in its header. Null for bodies that came before this column.';
ALTER TABLE sum_chunks ADD COLUMN folded_digest BYTEA CHECK (OCTET_LENGTH(folded_digest) = 32);
COMMENT ON COLUMN sum_chunks.folded_digest IS 'BLAKE3 of the sum of the ciphertexts. Null for chunks that were added before this column.';
