-- No process answers from what was proven fresh longer ago. Only ever raised.
ALTER TABLE meta ADD COLUMN max_staleness_ms INTEGER NOT NULL DEFAULT 0;

-- Whether this is a backup: it may lack what was acknowledged after it was made,
-- so the first that opens it to write begins a new epoch.
ALTER TABLE meta ADD COLUMN is_backup INTEGER NOT NULL DEFAULT 0 CHECK (is_backup IN (0, 1));
