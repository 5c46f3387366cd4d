-- What is past its time goes from the oldest on, and the end of it is found at once. The index that
-- was there, of blocks, finds nothing any more when the rows' places have been used a second time.
-- This file is a migration of every service that uses it, so it must never change.
SET LOCAL lock_timeout = '2s';

CREATE INDEX inbox_age ON inbox (received_at);
DROP INDEX inbox_received_at;
