-- Sessions that are over are removed from the oldest on.
CREATE INDEX sessions_expires_at ON sessions (expires_at);
