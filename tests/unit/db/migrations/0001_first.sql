-- Quotes "double", 'single', a backslash \ and a trigraph ??/ survive: ä € 𝄞
CREATE TABLE first (id integer PRIMARY KEY);
INSERT INTO first VALUES (1);
