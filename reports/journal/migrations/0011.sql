-- What people see, take and silence: an incident of a server, or those of its
-- sites that share a cause.
CREATE TABLE problem (
	id         INTEGER PRIMARY KEY AUTOINCREMENT, -- people type it: never used again
	key        TEXT NOT NULL,
	server     TEXT NOT NULL,
	cause      TEXT NOT NULL,
	worst      INTEGER NOT NULL,
	peak       INTEGER NOT NULL,
	baseline   INTEGER NOT NULL,
	opened     INTEGER NOT NULL,
	resolved   INTEGER NOT NULL,
	reason     TEXT NOT NULL, -- of the last message
	told       INTEGER NOT NULL,
	told_value INTEGER NOT NULL,
	told_at    INTEGER NOT NULL,
	life       TEXT NOT NULL -- JSON: who took it, what holds it back, and so on
) STRICT;
CREATE UNIQUE INDEX problem_open ON problem (key) WHERE resolved = 0;
CREATE INDEX problem_resolved ON problem (resolved);

CREATE TABLE silence (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	about   TEXT NOT NULL, -- JSON
	reason  TEXT NOT NULL,
	person  TEXT NOT NULL,
	name    TEXT NOT NULL,
	created INTEGER NOT NULL,
	start   INTEGER NOT NULL,
	until   INTEGER NOT NULL
) STRICT;
CREATE INDEX silence_until ON silence (until);

-- One row: the number of changes of problems and silences. A decision is stored
-- only if it rests on the newest.
CREATE TABLE revision (n INTEGER NOT NULL) STRICT;
INSERT INTO revision VALUES (1);

ALTER TABLE incident ADD COLUMN problem INTEGER REFERENCES problem;
ALTER TABLE incident ADD COLUMN held TEXT NOT NULL DEFAULT '';
CREATE INDEX incident_problem ON incident (problem) WHERE problem IS NOT NULL;
CREATE INDEX incident_held ON incident (held) WHERE held <> '';
CREATE INDEX incident_key ON incident (key, opened);

ALTER TABLE delivery ADD COLUMN problem INTEGER REFERENCES problem; -- in place of incident, which is of old rows
CREATE INDEX delivery_problem ON delivery (problem) WHERE problem IS NOT NULL;

-- What is open and was told continues without being told again.
INSERT INTO problem (key, server, cause, worst, peak, baseline, opened, resolved, reason, told, told_value, told_at, life)
	SELECT key, server, json_extract(finding, '$.Code'), worst, peak, baseline = 1, opened, 0, 'opened', told, told_peak, told_at, '{}'
	FROM incident WHERE resolved = 0 AND site = '' AND told > 0;
INSERT INTO problem (key, server, cause, worst, peak, baseline, opened, resolved, reason, told, told_value, told_at, life)
	SELECT server || '/*//' || json_extract(finding, '$.Code') AS k, server, json_extract(finding, '$.Code'), max(worst), count(DISTINCT site), 0,
		min(opened), 0, 'opened', max(told), count(DISTINCT site), max(told_at), '{}'
	FROM incident WHERE resolved = 0 AND site <> '' AND told > 0 AND baseline <> 1 GROUP BY k;
UPDATE incident SET problem = (SELECT p.id FROM problem p WHERE p.key = incident.key) WHERE resolved = 0 AND site = '' AND told > 0;
UPDATE incident SET problem = (SELECT p.id FROM problem p WHERE p.key = server || '/*//' || json_extract(finding, '$.Code'))
	WHERE resolved = 0 AND site <> '' AND told > 0 AND baseline <> 1;
UPDATE delivery SET problem = (SELECT i.problem FROM incident i WHERE i.id = delivery.incident) WHERE incident IS NOT NULL;
ALTER TABLE incident DROP COLUMN told_peak;
