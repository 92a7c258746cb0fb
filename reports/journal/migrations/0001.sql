-- Every moment is in unix milliseconds; 0: none.

-- A certificate of a panel, with what its attempts add up to (see attempts.go).
CREATE TABLE certificate (
	id           INTEGER PRIMARY KEY,
	server       TEXT NOT NULL,
	name         TEXT NOT NULL,
	last_row     INTEGER NOT NULL DEFAULT 0,
	last_time    INTEGER NOT NULL DEFAULT 0,
	failures     INTEGER NOT NULL DEFAULT 0,
	first_failed INTEGER NOT NULL DEFAULT 0,
	last_issued  INTEGER NOT NULL DEFAULT 0,
	UNIQUE (server, name)
) STRICT;

CREATE TABLE attempt (
	id          INTEGER PRIMARY KEY,
	server      TEXT NOT NULL,
	row         INTEGER NOT NULL,
	certificate INTEGER NOT NULL REFERENCES certificate,
	outcome     INTEGER NOT NULL,
	status      TEXT NOT NULL,
	time        INTEGER NOT NULL,
	text        TEXT NOT NULL,
	UNIQUE (server, row)
) STRICT;
CREATE INDEX attempt_certificate ON attempt (certificate, time, row, outcome);
CREATE INDEX attempt_time ON attempt (server, time, outcome, certificate, row);

CREATE TABLE metric (
	server TEXT NOT NULL,
	code   TEXT NOT NULL,
	at     INTEGER NOT NULL,
	value  INTEGER NOT NULL,
	PRIMARY KEY (server, code, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE incident (
	id        INTEGER PRIMARY KEY,
	key       TEXT NOT NULL,
	server    TEXT NOT NULL,
	site      TEXT NOT NULL,
	finding   TEXT NOT NULL, -- JSON
	peak      INTEGER NOT NULL,
	worst     INTEGER NOT NULL,
	told      INTEGER NOT NULL,
	told_peak INTEGER NOT NULL,
	clear     INTEGER NOT NULL,
	opened    INTEGER NOT NULL,
	seen      INTEGER NOT NULL,
	told_at   INTEGER NOT NULL,
	resolved  INTEGER NOT NULL,
	baseline  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX incident_open ON incident (key) WHERE resolved = 0;
CREATE INDEX incident_site ON incident (server, site, opened);
CREATE INDEX incident_opened ON incident (opened);
CREATE INDEX incident_resolved ON incident (resolved);

-- Since when a server is watched: its baseline.
CREATE TABLE watch (
	server TEXT PRIMARY KEY,
	since  INTEGER NOT NULL
) STRICT;

CREATE TABLE delivery (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	chat      TEXT NOT NULL,
	kind      TEXT NOT NULL,
	incident  INTEGER REFERENCES incident ON DELETE SET NULL,
	edits     INTEGER REFERENCES delivery ON DELETE SET NULL,
	reply_to  TEXT NOT NULL,
	message   TEXT NOT NULL, -- JSON
	state     TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'dropped')),
	begun     INTEGER NOT NULL DEFAULT 0, -- a sending was begun whose end is not known
	tries     INTEGER NOT NULL DEFAULT 0,
	next      INTEGER NOT NULL,
	ref       TEXT NOT NULL DEFAULT '',
	created   INTEGER NOT NULL,
	sent_at   INTEGER NOT NULL DEFAULT 0,
	error     TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX delivery_pending ON delivery (chat, id) WHERE state = 'pending';
CREATE INDEX delivery_incident ON delivery (incident) WHERE incident IS NOT NULL;
CREATE INDEX delivery_edits ON delivery (edits) WHERE edits IS NOT NULL;
CREATE INDEX delivery_created ON delivery (created);

CREATE TABLE inbox (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	messenger TEXT NOT NULL,
	key       TEXT NOT NULL,
	chat      TEXT NOT NULL,
	private   INTEGER NOT NULL,
	person    TEXT NOT NULL,
	name      TEXT NOT NULL,
	language  TEXT NOT NULL,
	text      TEXT NOT NULL,
	button    TEXT NOT NULL,
	ref       TEXT NOT NULL,
	at        INTEGER NOT NULL,
	handled   INTEGER NOT NULL DEFAULT 0,
	UNIQUE (messenger, key)
) STRICT;
CREATE INDEX inbox_waiting ON inbox (id) WHERE handled = 0;

CREATE TABLE cursor (
	messenger TEXT PRIMARY KEY,
	value     TEXT NOT NULL
) STRICT;

CREATE TABLE action (
	id      TEXT PRIMARY KEY,
	chat    TEXT NOT NULL,
	command TEXT NOT NULL,
	created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE job_run (
	job      TEXT NOT NULL,
	due      INTEGER NOT NULL,
	started  INTEGER NOT NULL,
	finished INTEGER NOT NULL DEFAULT 0,
	error    TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (job, due)
) STRICT, WITHOUT ROWID;

CREATE TABLE chat (
	address  TEXT PRIMARY KEY,
	language TEXT NOT NULL DEFAULT '',
	moved_to TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE certificate_file (
	server      TEXT NOT NULL,
	certificate TEXT NOT NULL,
	not_before  INTEGER NOT NULL,
	not_after   INTEGER NOT NULL,
	PRIMARY KEY (server, certificate)
) STRICT, WITHOUT ROWID;

CREATE TABLE renewal (
	id          INTEGER PRIMARY KEY,
	server      TEXT NOT NULL,
	certificate TEXT NOT NULL,
	not_before  INTEGER NOT NULL, -- of the new file
	life_left   REAL NOT NULL     -- share of the old file's lifetime
) STRICT;
CREATE INDEX renewal_server ON renewal (server, not_before);

CREATE TABLE audit (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	at      INTEGER NOT NULL,
	person  TEXT NOT NULL,
	name    TEXT NOT NULL,
	role    TEXT NOT NULL,
	chat    TEXT NOT NULL,
	command TEXT NOT NULL,
	args    TEXT NOT NULL,
	result  TEXT NOT NULL,
	hash    BLOB NOT NULL -- of the previous entry's hash and this entry
) STRICT;
CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
