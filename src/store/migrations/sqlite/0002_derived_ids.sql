-- Ids of new declarations are derived: from when and as which change they are
-- stored, and from this number, which tells them from other stores' ids.

ALTER TABLE meta ADD COLUMN id_tag INTEGER NOT NULL DEFAULT 0 CHECK (id_tag BETWEEN 0 AND 16777215);

UPDATE meta SET id_tag = random() & 16777215;
