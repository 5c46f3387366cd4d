-- What the relay takes for granted. NOT VALID: see the migrations of the service that has this one.
-- This file is a migration of every service that has an outbox, so it must never change.
SET LOCAL lock_timeout = '2s';

ALTER TABLE outbox
    -- The first is part of a topic's name.
    ADD CONSTRAINT outbox_names CHECK (
        aggregatetype ~ '^[a-z][a-z0-9-]{0,99}$' AND aggregateid <> '' AND type <> '') NOT VALID,
    ADD CONSTRAINT outbox_json CHECK (
        json_typeof(payload) = 'object' AND json_typeof(headers) = 'object') NOT VALID;
