-- Written every now and then, to find out whether the file can be.
CREATE TABLE pulse (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	at INTEGER NOT NULL
) STRICT;
