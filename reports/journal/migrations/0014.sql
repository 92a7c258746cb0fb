-- Files of messages that wait, each once: a storm sends the same one to every chat. A
-- message names its files; those of rows older than these tables have their data too.
CREATE TABLE file (
	id   INTEGER PRIMARY KEY,
	sum  BLOB NOT NULL UNIQUE, -- SHA-256
	data BLOB NOT NULL
) STRICT;
CREATE TABLE delivery_file (
	delivery INTEGER NOT NULL REFERENCES delivery ON DELETE CASCADE,
	n        INTEGER NOT NULL,
	file     INTEGER NOT NULL REFERENCES file,
	PRIMARY KEY (delivery, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_file_file ON delivery_file (file);
