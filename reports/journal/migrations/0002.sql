-- What the last look from outside found of each site.
CREATE TABLE look (
	server   TEXT NOT NULL,
	site     TEXT NOT NULL,
	at       INTEGER NOT NULL,
	checks   TEXT NOT NULL, -- JSON: those that ran
	findings TEXT NOT NULL, -- JSON
	failures TEXT NOT NULL, -- JSON
	PRIMARY KEY (server, site)
) STRICT, WITHOUT ROWID;
