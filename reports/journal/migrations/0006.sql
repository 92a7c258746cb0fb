-- Who must act, and when the cause began: 0 is not known, and what is not exact
-- began before it was first looked for.
ALTER TABLE spell ADD COLUMN who TEXT NOT NULL DEFAULT '';
ALTER TABLE spell ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spell ADD COLUMN exact INTEGER NOT NULL DEFAULT 0;
