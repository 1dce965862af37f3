-- What an epoch continues. The first epoch of a store has no row. No row is ever changed.
CREATE TABLE epoch (
    epoch   TEXT PRIMARY KEY,
    parent  TEXT NOT NULL,
    -- The last revision of the parent that is proven to be the same in this epoch.
    through INTEGER NOT NULL CHECK (through >= 0)
) STRICT;

CREATE TRIGGER epoch_is_never_updated BEFORE UPDATE ON epoch
BEGIN SELECT RAISE(ABORT, 'epoch is never changed or deleted'); END;
CREATE TRIGGER epoch_is_never_deleted BEFORE DELETE ON epoch
BEGIN SELECT RAISE(ABORT, 'epoch is never changed or deleted'); END;
