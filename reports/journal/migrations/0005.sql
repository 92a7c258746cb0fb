-- A time over which a site had one cause and one owner, from snapshot to snapshot.
CREATE TABLE spell (
	id       INTEGER PRIMARY KEY,
	server   TEXT NOT NULL,
	site     TEXT NOT NULL,
	owner    TEXT NOT NULL,
	code     TEXT NOT NULL,
	severity INTEGER NOT NULL,
	expires  INTEGER NOT NULL,
	free     INTEGER NOT NULL,
	leads_to TEXT NOT NULL,
	trouble  INTEGER NOT NULL,
	began    INTEGER NOT NULL,
	until    INTEGER NOT NULL DEFAULT 0, -- 0: it goes on
	ended    TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX spell_open ON spell (server, site) WHERE until = 0;
CREATE INDEX spell_until ON spell (until);

-- What each snapshot counted.
CREATE TABLE tally (
	server  TEXT NOT NULL,
	at      INTEGER NOT NULL,
	sites   INTEGER NOT NULL,
	unknown INTEGER NOT NULL,
	unread  INTEGER NOT NULL,
	rules   TEXT NOT NULL,
	PRIMARY KEY (server, at)
) STRICT, WITHOUT ROWID;
