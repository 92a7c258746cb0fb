-- Pages for customers. One that is ended is not in its folder any more.
CREATE TABLE share (
	id      INTEGER PRIMARY KEY,
	name    TEXT NOT NULL UNIQUE, -- of the file, and in the link: anyone who knows it can read the page
	folder  TEXT NOT NULL,
	domain  TEXT NOT NULL,
	server  TEXT NOT NULL,
	person  TEXT NOT NULL,
	who     TEXT NOT NULL, -- the person's name
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	ended   INTEGER NOT NULL DEFAULT 0
) STRICT;
