-- The relay reads the rows that wait, in their order: an index of just these, so that those that
-- Kafka refused for good are not in its way, and the planner knows that the others are not few.
-- This file is a migration of every service that uses it, so it must never change.
SET LOCAL lock_timeout = '2s';

ALTER TABLE outbox DROP CONSTRAINT outbox_pkey, DROP CONSTRAINT outbox_id_key, ADD PRIMARY KEY (id);
CREATE UNIQUE INDEX outbox_waiting ON outbox (seq) WHERE error IS NULL;
