-- What somebody may have done, once they, or they and another, say yes to it.
CREATE TABLE plan (
	id        TEXT PRIMARY KEY, -- a few hex digits, to be typed
	kind      TEXT NOT NULL,
	payload   TEXT NOT NULL, -- JSON
	hash      TEXT NOT NULL, -- of what the plan is about, as it was
	person    TEXT NOT NULL,
	name      TEXT NOT NULL,
	role      TEXT NOT NULL,
	chat      TEXT NOT NULL,
	language  TEXT NOT NULL,
	needs     INTEGER NOT NULL, -- how many people must say yes
	confirmed TEXT NOT NULL, -- JSON: who did
	created   INTEGER NOT NULL,
	expires   INTEGER NOT NULL,
	used      INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Work that takes long, begun by a person.
CREATE TABLE task (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	kind     TEXT NOT NULL,
	payload  TEXT NOT NULL, -- JSON
	person   TEXT NOT NULL,
	name     TEXT NOT NULL,
	role     TEXT NOT NULL,
	chat     TEXT NOT NULL,
	language TEXT NOT NULL,
	plan     TEXT NOT NULL DEFAULT '', -- the one it carries out
	delivery INTEGER REFERENCES delivery ON DELETE SET NULL, -- whose message shows how far it is
	state    TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'stopping', 'stopped', 'done', 'failed')),
	created  INTEGER NOT NULL,
	next     INTEGER NOT NULL DEFAULT 0, -- not before
	started  INTEGER NOT NULL DEFAULT 0,
	finished INTEGER NOT NULL DEFAULT 0,
	result   TEXT NOT NULL DEFAULT '' -- JSON
) STRICT;
CREATE INDEX task_open ON task (id) WHERE state IN ('waiting', 'running', 'stopping');

-- One act of a task on one thing outside, noted before it is done and after.
CREATE TABLE step (
	task  INTEGER NOT NULL REFERENCES task ON DELETE CASCADE,
	item  TEXT NOT NULL, -- what is acted upon, such as an authorization's URL
	name  TEXT NOT NULL, -- what its pace is counted by
	state TEXT NOT NULL CHECK (state IN ('planned', 'begun', 'done', 'skipped', 'failed')),
	begun INTEGER NOT NULL DEFAULT 0,
	tries INTEGER NOT NULL DEFAULT 0,
	note  TEXT NOT NULL DEFAULT '', -- why it was skipped, or failed
	PRIMARY KEY (task, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX step_name ON step (name, begun) WHERE begun > 0;
