-- The delivery in whose thread this one stands, and the one that was sent in place of
-- this one when it could not be changed any more.
ALTER TABLE delivery ADD COLUMN under INTEGER REFERENCES delivery ON DELETE SET NULL;
ALTER TABLE delivery ADD COLUMN replaced_by INTEGER REFERENCES delivery ON DELETE SET NULL;
CREATE INDEX delivery_under ON delivery (under) WHERE under IS NOT NULL;
CREATE INDEX delivery_replaced ON delivery (replaced_by) WHERE replaced_by IS NOT NULL;
