-- Attempts of late are neither in the index by certificate nor in the sums of
-- certificates (tail.go). Open creates the index.
ALTER TABLE attempt ADD COLUMN settled INTEGER NOT NULL DEFAULT 1; -- 0: it is one of these
DROP INDEX IF EXISTS attempt_certificate;
CREATE INDEX attempt_unsettled ON attempt (server) WHERE settled = 0;

-- How often the attempts of a server were changed: who remembers their sums knows by it
-- whether they still are what they were.
ALTER TABLE server ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;
