-- The number of the last reading of a panel behind an agent: an older one that is sent
-- again is refused.
ALTER TABLE fleet_panel ADD COLUMN reading INTEGER NOT NULL DEFAULT 0;
