-- What the consumer takes for granted. NOT VALID: see the migrations of the service that has this one.
-- This file is a migration of every service that has an inbox, so it must never change.
SET LOCAL lock_timeout = '2s';

ALTER TABLE inbox
    ADD CONSTRAINT inbox_names CHECK (consumer <> '' AND event_id <> '') NOT VALID;
