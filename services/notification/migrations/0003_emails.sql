-- What became of each notification of type email, from the same statement as the notification.
-- held: made while no mail server was known, and left alone until there is one; pending: to be sent
-- at next_attempt_at, or being sent until then; sent; dead: given up, last_error says why.
CREATE TABLE emails (
    notification_id uuid PRIMARY KEY REFERENCES notifications ON DELETE CASCADE,
    user_id uuid NOT NULL,
    state text NOT NULL CONSTRAINT emails_state CHECK (state IN ('held', 'pending', 'sent', 'dead')),
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    ended_at timestamptz,
    last_error text
);

CREATE INDEX emails_pending ON emails (next_attempt_at) WHERE state = 'pending';
CREATE INDEX emails_held ON emails (created_at) WHERE state = 'held';
CREATE INDEX emails_dead ON emails (ended_at) WHERE state = 'dead';
CREATE INDEX emails_sent ON emails (user_id, ended_at) WHERE state = 'sent';
