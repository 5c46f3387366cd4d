-- What all tokens of a session have in common, by its SHA-256. One of the family that is not here any
-- more was used, so used ones go when a client's calls cannot cross any more. Tokens that releases
-- before this one made have none; they stay until they expire.
SET LOCAL lock_timeout = '2s';

ALTER TABLE refresh_tokens
    ADD COLUMN family bytea CONSTRAINT refresh_tokens_family CHECK (octet_length(family) = 32);

CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
