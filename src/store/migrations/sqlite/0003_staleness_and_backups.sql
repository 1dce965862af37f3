-- Staleness bound: no process decides longer than this after its last freshness
-- proof. Only ever raised.
ALTER TABLE meta ADD COLUMN max_staleness_ms INTEGER NOT NULL DEFAULT 0;

-- Whether this is a backup. It may lack changes that were acknowledged later, so the
-- first process that opens it for writing starts a new epoch.
ALTER TABLE meta ADD COLUMN is_backup INTEGER NOT NULL DEFAULT 0 CHECK (is_backup IN (0, 1));
