SET LOCAL lock_timeout = '2s';

ALTER TABLE blogs VALIDATE CONSTRAINT blogs_language;
CREATE INDEX blogs_of_language ON blogs (language, created_at DESC);
