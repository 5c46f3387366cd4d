-- What is true of every blog, held by the database as well as by the contract. NOT VALID leaves the
-- rows that are there to the last migration of these, so that the table is locked for a moment only.
-- A limit of the contract that is raised is raised here, too, by another migration.
SET LOCAL lock_timeout = '2s';

ALTER TABLE blogs
    ADD CONSTRAINT blogs_title CHECK (char_length(title) BETWEEN 3 AND 200) NOT VALID,
    -- In bytes, which are known without reading a large text.
    ADD CONSTRAINT blogs_content CHECK (octet_length(content) BETWEEN 10 AND 1048576) NOT VALID,
    ADD CONSTRAINT blogs_version CHECK (version > 0) NOT VALID,
    ADD CONSTRAINT blogs_updated_at CHECK (updated_at >= created_at) NOT VALID;
