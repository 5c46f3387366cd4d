-- A business table, and what consumers did.
CREATE TABLE things (id text PRIMARY KEY, n int NOT NULL);
CREATE TABLE effects (
    seq bigserial PRIMARY KEY,
    topic text NOT NULL,
    key text NOT NULL,
    n int NOT NULL,
    event_id text NOT NULL CHECK (event_id <> 'forbidden')
);
