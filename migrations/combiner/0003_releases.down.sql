-- Undoes 0003: loses the released answers, which nothing can compute again. The vault still refuses other sets.

DROP TABLE destroyed_keys;
DROP TABLE releases;
