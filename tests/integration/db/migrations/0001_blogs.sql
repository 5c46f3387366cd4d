-- Several statements in one file, and text that needs care: "quotes", 'quotes', \ and ?.
CREATE TABLE blogs (
    id integer PRIMARY KEY,
    title text NOT NULL DEFAULT 'a \ and a ''quote'' – ä'
);

CREATE FUNCTION blog_count() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT count(*) FROM blogs);
END;
$$;

INSERT INTO blogs (id) VALUES (1);
