-- What is remembered of each panel's last reading, to tell a change from a loss.
CREATE TABLE panel (
	server   TEXT PRIMARY KEY,
	memory   TEXT NOT NULL, -- JSON, of the last reading that was believed
	at       INTEGER NOT NULL,
	doubt    TEXT NOT NULL DEFAULT '', -- why a later reading is not
	doubted  INTEGER NOT NULL DEFAULT 0, -- since when
	other    TEXT NOT NULL DEFAULT '', -- JSON, of that reading
	believed INTEGER NOT NULL DEFAULT 0 -- when a doubt ended without a change of the panel
) STRICT, WITHOUT ROWID;
