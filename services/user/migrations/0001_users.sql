-- Accounts. An email address is unique without regard to case. The rule is ASCII's (collation "C"),
-- whatever the database's locale: the contract lets nothing else than ASCII into an address.
CREATE TABLE users (
    id uuid PRIMARY KEY,
    username text NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    version bigint NOT NULL DEFAULT 1, -- of what others see; the caches go by it
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX users_email_key ON users (lower(email COLLATE "C"));
