-- Sessions that are over are removed from the oldest on.
SET LOCAL lock_timeout = '2s';

CREATE INDEX sessions_expires_at ON sessions (expires_at);
