-- Events that wait to be published: lib/events/relay.h takes them from here. The first six columns
-- are what Debezium's outbox router expects, should it ever take the relay's place.
-- This file is a migration of every service that uses it, so it must never change.
CREATE TABLE outbox (
    id uuid NOT NULL UNIQUE,                         -- the event's own: ce_id
    aggregatetype text NOT NULL,                     -- 'blog': the topic is blog-events
    aggregateid text NOT NULL,                       -- the message's key: order holds within it
    type text NOT NULL,                              -- 'blog-published': ce_type
    payload json NOT NULL,                           -- kept as it was written
    headers json NOT NULL DEFAULT '{}',              -- further headers: names and texts
    seq bigserial PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),   -- ce_time
    error text                                       -- why Kafka refuses it for good, or NULL
) WITH (
    -- Rows live for milliseconds: without this the dead ones would be in the relay's way.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 50000
);
