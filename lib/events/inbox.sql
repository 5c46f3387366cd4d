-- Events that were dealt with, so that a repeat has no effect: lib/events/consumer.h writes a row in
-- the transaction of the effect. Old rows go after the consumer's retention time.
-- This file is a migration of every service that uses it, so it must never change.
CREATE TABLE inbox (
    consumer text NOT NULL,                          -- the consumer group
    event_id text NOT NULL,                          -- ce_id, or kafka:TOPIC/PARTITION/OFFSET
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);

CREATE INDEX inbox_received_at ON inbox USING brin (received_at);
