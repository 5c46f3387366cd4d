-- What is true of every row, held by the database as well as by the program. NOT VALID leaves the
-- rows that are there to the last migration of these, so that a table is locked for a moment only. A
-- limit of the contract that is raised is raised here, too, by another migration.
SET LOCAL lock_timeout = '2s';

ALTER TABLE mailboxes
    ADD CONSTRAINT mailboxes_counts CHECK (unread <= version) NOT VALID;
ALTER TABLE notifications
    ADD CONSTRAINT notifications_message
        CHECK (char_length(message) BETWEEN 1 AND 500) NOT VALID,
    ADD CONSTRAINT notifications_place CHECK (seq > 0) NOT VALID;
ALTER TABLE emails
    ADD CONSTRAINT emails_attempts CHECK (attempts >= 0) NOT VALID,
    -- One that was dead and is tried again keeps both.
    ADD CONSTRAINT emails_ended_at
        CHECK (ended_at IS NOT NULL OR state NOT IN ('sent', 'dead')) NOT VALID,
    ADD CONSTRAINT emails_last_error CHECK (last_error IS NOT NULL OR state <> 'dead') NOT VALID,
    ADD CONSTRAINT emails_user FOREIGN KEY (user_id) REFERENCES mailboxes NOT VALID;
