-- How important a message is (Rank), and since when it could be sent.
ALTER TABLE delivery ADD COLUMN rank INTEGER NOT NULL DEFAULT 3;
ALTER TABLE delivery ADD COLUMN due INTEGER NOT NULL DEFAULT 0;
-- The delivery that must be sent, or dropped, before this one.
ALTER TABLE delivery ADD COLUMN follows INTEGER REFERENCES delivery ON DELETE SET NULL;
-- What was over before it was told, as a JSON list; empty: nothing.
ALTER TABLE delivery ADD COLUMN missed TEXT NOT NULL DEFAULT '';
-- The delivery whose message this one carries by another way, and the address by
-- which this one's message went.
ALTER TABLE delivery ADD COLUMN spare INTEGER REFERENCES delivery ON DELETE SET NULL;
ALTER TABLE delivery ADD COLUMN spared TEXT NOT NULL DEFAULT '';
-- The last failure says nothing about the message: it may be the messenger's.
ALTER TABLE delivery ADD COLUMN unclear INTEGER NOT NULL DEFAULT 0;
-- The chat with all its topics and threads, and its messenger.
ALTER TABLE delivery ADD COLUMN place TEXT GENERATED ALWAYS AS
	(iif(instr(chat, '/') > 0, substr(chat, 1, instr(chat, '/') - 1), chat)) VIRTUAL;
ALTER TABLE delivery ADD COLUMN messenger TEXT GENERATED ALWAYS AS (substr(chat, 1, instr(chat, ':') - 1)) VIRTUAL;
UPDATE delivery SET due = max(next, created), rank = CASE
	WHEN kind IN ('opened', 'worsened', 'reminded') AND json_extract(message, '$.tone') = 'critical' THEN 1
	WHEN kind = 'answer' THEN 4
	WHEN kind IN ('resolved', 'edit') THEN 5
	WHEN kind IN ('baseline', 'daily', 'weekly', 'calendar') THEN 6
	ELSE 3 END WHERE state = 'pending';
DROP INDEX delivery_pending;
CREATE INDEX delivery_pending ON delivery (place, rank, created, id) WHERE state = 'pending';
CREATE INDEX delivery_next ON delivery (next) WHERE state = 'pending';
CREATE INDEX delivery_spare ON delivery (spare) WHERE spare IS NOT NULL;
CREATE INDEX delivery_dropped ON delivery (created) WHERE state = 'dropped';

-- Until when a messenger asked to wait: for a chat, for all of a messenger
-- (slack), or for its edits (slack#edits).
CREATE TABLE hold (
	place  TEXT PRIMARY KEY,
	until  INTEGER NOT NULL,
	reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The calls of the last minutes, by which their pace is kept.
CREATE TABLE call (
	id    INTEGER PRIMARY KEY,
	place TEXT NOT NULL,
	at    INTEGER NOT NULL,
	calls INTEGER NOT NULL,
	edit  INTEGER NOT NULL
) STRICT;
CREATE INDEX call_at ON call (at);

-- A messenger that cannot be reached, or that refuses the token.
CREATE TABLE outage (
	messenger TEXT PRIMARY KEY,
	since     INTEGER NOT NULL,
	reason    TEXT NOT NULL,
	token     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A chat that refuses us for good, since when and why; 0: it does not.
ALTER TABLE chat ADD COLUMN closed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chat ADD COLUMN reason TEXT NOT NULL DEFAULT '';
