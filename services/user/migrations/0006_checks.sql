-- What is true of every account, held by the database as well as by the contract. NOT VALID leaves
-- the rows that are there to the last migration of these, so that the table is locked for a moment
-- only. A limit of the contract that is raised is raised here, too, by another migration.
SET LOCAL lock_timeout = '2s';

ALTER TABLE users
    ADD CONSTRAINT users_username CHECK (char_length(username) BETWEEN 3 AND 50) NOT VALID,
    ADD CONSTRAINT users_email
        CHECK (char_length(email) <= 254 AND strpos(email, '@') > 1) NOT VALID,
    -- bcrypt's, and so never the password itself.
    ADD CONSTRAINT users_password_hash
        CHECK (password_hash ~ '^\$2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}$') NOT VALID,
    ADD CONSTRAINT users_version CHECK (version > 0) NOT VALID;
