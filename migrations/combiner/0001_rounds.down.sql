-- Undoes 0001: loses the record of what was countersigned. The vault is left as it is.

DROP TABLE rounds;
DROP TABLE round_keys;
DROP FUNCTION refuse_change();
