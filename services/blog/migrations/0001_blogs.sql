-- Blogs. A change adds one to the version; the caches and entity tags go by it.
--
-- What is searched is the title, which counts more, and the beginning of the content: PostgreSQL
-- refuses a row whose tsvector would be over 1 MB, and 65,536 characters stay below that whatever
-- they are.
-- PostgreSQL's parser takes a time that grows with the square of some texts' length: a minute for
-- 65,536 characters of "a_a_a_" or "~/~/~/", and seconds for as many of "<!--". Here it never sees
-- more than 80 characters without a space, nor the beginning of a comment.
CREATE FUNCTION searchable(content text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT regexp_replace(replace(content, '<!', ' '), '(\S{80})', '\1 ', 'g')
$$;

CREATE TABLE blogs (
    id uuid PRIMARY KEY,
    author_id uuid NOT NULL, -- in another service's database
    title text NOT NULL,
    content text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    search tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('english', searchable(title)), 'A') ||
        to_tsvector('english', searchable(left(content, 65536)))
    ) STORED
);

CREATE INDEX blogs_newest ON blogs (created_at DESC, id DESC);
CREATE INDEX blogs_newest_of_author ON blogs (author_id, created_at DESC, id DESC);
CREATE INDEX blogs_search ON blogs USING gin (search);

-- What a person typed into the search, as a query. Few texts are none: PostgreSQL has no room for
-- more than 32 minus signs in a row. Then their words count and nothing else.
CREATE FUNCTION search_query(typed text) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN websearch_to_tsquery('english', searchable(typed));
EXCEPTION WHEN OTHERS THEN
    RETURN plainto_tsquery('english', searchable(typed));
END
$$;
