-- The rows from before the checks. Reading and writing go on meanwhile.
SET LOCAL lock_timeout = '2s';

ALTER TABLE users
    VALIDATE CONSTRAINT users_username,
    VALIDATE CONSTRAINT users_email,
    VALIDATE CONSTRAINT users_password_hash,
    VALIDATE CONSTRAINT users_version;
ALTER TABLE outbox
    VALIDATE CONSTRAINT outbox_names,
    VALIDATE CONSTRAINT outbox_json;
