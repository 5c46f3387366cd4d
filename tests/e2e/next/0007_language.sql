-- A column that the release before does not name, and a rule that it keeps without knowing.
SET LOCAL lock_timeout = '2s';

ALTER TABLE blogs
    ADD COLUMN language text NOT NULL DEFAULT 'en',
    ADD CONSTRAINT blogs_language CHECK (char_length(language) = 2) NOT VALID;
