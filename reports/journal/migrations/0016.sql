-- Attempts take a third of the room: a server is a number, its row and its number are
-- the key, and what texts share is stored once. The program fills the new table from
-- the old one (repack.go), which it drops.

-- A server that attempts were kept of; the first has the id 0.
CREATE TABLE server (
	id        INTEGER PRIMARY KEY,
	name      TEXT NOT NULL UNIQUE,
	uncounted INTEGER NOT NULL DEFAULT 0 -- an import has not counted the sums of its certificates yet
) STRICT;

-- A status, and a pattern of texts (package wording). No attempt that has it is later
-- than used.
CREATE TABLE wording (
	id      INTEGER PRIMARY KEY,
	hash    INTEGER NOT NULL, -- of both
	status  TEXT NOT NULL,
	pattern TEXT NOT NULL,
	used    INTEGER NOT NULL
) STRICT;
CREATE INDEX wording_hash ON wording (hash);

-- No REFERENCES: looking them up for each row is a good part of an import, and
-- certificates are never deleted.
DROP INDEX attempt_certificate;
DROP INDEX attempt_time;
ALTER TABLE attempt RENAME TO old_attempt;
CREATE TABLE attempt (
	id          INTEGER PRIMARY KEY, -- the server's id << 44 | the row of its log
	server      INTEGER NOT NULL,
	certificate INTEGER NOT NULL,
	outcome     INTEGER NOT NULL,
	time        INTEGER NOT NULL,
	wording     INTEGER NOT NULL,
	parts       TEXT NOT NULL -- what the pattern leaves open
) STRICT;
CREATE INDEX attempt_time ON attempt (server, time, outcome, certificate);

-- The id of the latest attempt; -1: there is none.
ALTER TABLE certificate RENAME COLUMN last_row TO last;
