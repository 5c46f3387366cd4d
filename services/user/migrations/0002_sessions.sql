-- A session is what one login began: the family of all refresh tokens that descend from it.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL, -- of its latest token
    revoked_at timestamptz
);

CREATE INDEX sessions_user_id ON sessions (user_id);

-- Refresh tokens, by their SHA-256. A used one is kept until it would have expired, so that its
-- second use is noticed.
CREATE TABLE refresh_tokens (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE INDEX refresh_tokens_session_id ON refresh_tokens (session_id);
