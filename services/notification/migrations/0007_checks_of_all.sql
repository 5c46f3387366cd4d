-- The rows from before the checks. Reading and writing go on meanwhile.
SET LOCAL lock_timeout = '2s';

ALTER TABLE mailboxes VALIDATE CONSTRAINT mailboxes_counts;
ALTER TABLE notifications
    VALIDATE CONSTRAINT notifications_message,
    VALIDATE CONSTRAINT notifications_place;
ALTER TABLE emails
    VALIDATE CONSTRAINT emails_attempts,
    VALIDATE CONSTRAINT emails_ended_at,
    VALIDATE CONSTRAINT emails_last_error,
    VALIDATE CONSTRAINT emails_user;
ALTER TABLE inbox VALIDATE CONSTRAINT inbox_names;
