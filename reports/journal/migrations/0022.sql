-- Test alarms: one a day.
CREATE TABLE canary (
	id      INTEGER PRIMARY KEY, -- when it was due
	step    TEXT NOT NULL,       -- what failed before its messages; open: it is not known yet; empty: nothing
	subject TEXT NOT NULL,       -- what that step failed at; may be empty
	reason  TEXT NOT NULL,       -- for programs; may be empty
	told    INTEGER NOT NULL DEFAULT 0 -- others were told that one of its messages does not arrive
) STRICT;

-- The messages that carry them. One may carry something else, too.
CREATE TABLE canary_message (
	canary   INTEGER NOT NULL REFERENCES canary ON DELETE CASCADE,
	chat     TEXT NOT NULL, -- as the configuration has it
	delivery INTEGER NOT NULL REFERENCES delivery ON DELETE CASCADE,
	PRIMARY KEY (canary, chat)
) STRICT, WITHOUT ROWID;
CREATE INDEX canary_message_delivery ON canary_message (delivery);
