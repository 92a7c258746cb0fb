-- The vantage point that looked at a site alone, where vantage points share sweeps: the
-- next sweep asks another.
ALTER TABLE look ADD COLUMN alone TEXT NOT NULL DEFAULT '';
