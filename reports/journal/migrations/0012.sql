-- The delivery in whose thread this one stands, and the one that was sent in place of
-- this one when it could not be changed any more.
ALTER TABLE delivery ADD COLUMN under INTEGER REFERENCES delivery ON DELETE SET NULL;
ALTER TABLE delivery ADD COLUMN anew INTEGER REFERENCES delivery ON DELETE SET NULL;
CREATE INDEX delivery_under ON delivery (under) WHERE under IS NOT NULL;
CREATE INDEX delivery_anew ON delivery (anew) WHERE anew IS NOT NULL;
