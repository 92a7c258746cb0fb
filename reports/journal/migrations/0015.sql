-- What is known of the registration of domains, and when they are asked about
-- again.
CREATE TABLE registration (
	domain   TEXT PRIMARY KEY,
	registry TEXT NOT NULL, -- the server that was asked
	asked    INTEGER NOT NULL,
	due      INTEGER NOT NULL,
	failure  TEXT NOT NULL,
	failures INTEGER NOT NULL,
	looked   INTEGER NOT NULL,
	answer   TEXT NOT NULL, -- JSON
	parking  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The questions of the last day, by which the limits of registries are kept.
CREATE TABLE registry_question (
	id       INTEGER PRIMARY KEY,
	registry TEXT NOT NULL,
	at       INTEGER NOT NULL
) STRICT;
CREATE INDEX registry_question_at ON registry_question (at);

-- The registries that refused, until when they are not asked.
CREATE TABLE registry_pause (
	registry TEXT PRIMARY KEY,
	until    INTEGER NOT NULL,
	patience INTEGER NOT NULL -- milliseconds of the next backoff
) STRICT, WITHOUT ROWID;

-- The registrations of a snapshot that end soon, and how many domains it has of
-- which that is not known.
CREATE TABLE ending (
	server     TEXT NOT NULL,
	at         INTEGER NOT NULL,
	site       TEXT NOT NULL,
	owner      TEXT NOT NULL,
	domain     TEXT NOT NULL,
	ends       INTEGER NOT NULL,
	free       INTEGER NOT NULL,
	parking    TEXT NOT NULL,
	unverified INTEGER NOT NULL,
	who        TEXT NOT NULL,
	PRIMARY KEY (server, at, site)
) STRICT, WITHOUT ROWID;
CREATE INDEX ending_at ON ending (at);
ALTER TABLE tally ADD COLUMN undated INTEGER NOT NULL DEFAULT 0;
