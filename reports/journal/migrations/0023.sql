-- Panels behind agents: what their agents said of them, and how far their logs were
-- taken from the hub.
CREATE TABLE fleet_panel (
	name   TEXT PRIMARY KEY,
	about  TEXT NOT NULL DEFAULT '', -- JSON; empty: nothing yet
	stream TEXT NOT NULL DEFAULT '', -- of the logs; another one begins anew
	place  INTEGER NOT NULL DEFAULT 0
) STRICT;
