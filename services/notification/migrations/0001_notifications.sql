-- One row a user that has notifications. Its lock puts all changes of one user's notifications in an
-- order, in which they also become visible; its version counts them.
CREATE TABLE mailboxes (
    user_id uuid PRIMARY KEY,
    version bigint NOT NULL,
    unread bigint NOT NULL CHECK (unread >= 0)
);

-- seq is the mailbox's version that the notification made: whoever has read all up to one seq has
-- missed nothing, because a lower one never becomes visible later.
CREATE TABLE notifications (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES mailboxes,
    seq bigint NOT NULL,
    message text NOT NULL,
    type text NOT NULL CONSTRAINT notifications_type CHECK (type IN ('email', 'in-app')),
    read_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT notifications_seq UNIQUE (user_id, seq)
);

CREATE INDEX notifications_unread ON notifications (user_id) WHERE read_at IS NULL;
