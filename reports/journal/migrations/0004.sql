-- The dates of the certificate that was seen served; 0: none was.
ALTER TABLE look ADD COLUMN served_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE look ADD COLUMN served_until INTEGER NOT NULL DEFAULT 0;
