-- The rows from before the checks. Reading and writing go on meanwhile.
SET LOCAL lock_timeout = '2s';

ALTER TABLE blogs
    VALIDATE CONSTRAINT blogs_title,
    VALIDATE CONSTRAINT blogs_content,
    VALIDATE CONSTRAINT blogs_version,
    VALIDATE CONSTRAINT blogs_updated_at;
ALTER TABLE outbox
    VALIDATE CONSTRAINT outbox_names,
    VALIDATE CONSTRAINT outbox_json;
