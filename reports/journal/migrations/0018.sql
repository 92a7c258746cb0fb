-- The successes of a server's log that the limits of its CA still count, in one value
-- (orders.go reads it): a process that starts has them without reading tens of
-- thousands of attempts. It is deleted whenever an attempt that it has changes, and
-- may be missing.
CREATE TABLE successes (
	server INTEGER PRIMARY KEY REFERENCES server,
	since  INTEGER NOT NULL, -- of each certificate the last from since until turn,
	turn   INTEGER NOT NULL, -- and all
	until  INTEGER NOT NULL, -- from turn until until
	events BLOB NOT NULL
) STRICT;
