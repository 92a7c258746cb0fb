-- A site that could not be judged at a snapshot; tally.unknown counts them.
CREATE TABLE blind (
	server TEXT NOT NULL,
	at     INTEGER NOT NULL,
	site   TEXT NOT NULL,
	owner  TEXT NOT NULL,
	PRIMARY KEY (server, at, site)
) STRICT, WITHOUT ROWID;
