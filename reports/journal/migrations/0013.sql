-- Names of the servers of a site's zone that are on our addresses.
ALTER TABLE look ADD COLUMN own_servers TEXT NOT NULL DEFAULT '';
