-- The store of Lupa: declarations, withdrawals and directories, in the order in
-- which they were committed. No row is ever changed.

PRAGMA application_id = 0x4C555041;

-- What this store is. One row.
CREATE TABLE meta (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    schema_version INTEGER NOT NULL,
    -- A UUID: which store a revision is of.
    epoch          TEXT NOT NULL,
    -- The key of the tokens' MAC. Secret.
    token_key      BLOB NOT NULL CHECK (length(token_key) = 32)
) STRICT;

-- Committed changes. Revisions are dense: 1, 2, 3, …
CREATE TABLE change (
    revision         INTEGER PRIMARY KEY,
    -- Microseconds since 1970-01-01T00:00:00Z; never less than the row before.
    recorded_at      INTEGER NOT NULL,
    what             TEXT NOT NULL CHECK (what IN ('declaration', 'withdrawal', 'directory')),
    -- Of the declaration, or of the one withdrawn: it is known even if the body cannot be read.
    kind             TEXT CHECK (kind IN ('information', 'consent', 'denial')),
    client_root      TEXT,
    client_extension TEXT,
    -- Of the declaration, or of the one withdrawn.
    declaration_id   TEXT,
    -- JSON.
    body             TEXT NOT NULL,
    idempotency_key  TEXT,
    -- SHA-256 of what was asked with that key.
    payload_digest   BLOB CHECK (length(payload_digest) = 32),
    -- What was answered with that key: a JSON list, and the id of the consent replaced.
    notices          TEXT,
    replaced_id      TEXT,
    CHECK ((idempotency_key IS NULL) = (payload_digest IS NULL)),
    CHECK ((idempotency_key IS NULL) = (notices IS NULL)),
    CHECK ((what = 'directory') = (kind IS NULL)),
    CHECK ((what = 'directory') = (client_root IS NULL)),
    CHECK ((what = 'directory') = (client_extension IS NULL)),
    CHECK ((what = 'directory') = (declaration_id IS NULL))
) STRICT;

CREATE INDEX change_of_client ON change (client_extension, client_root)
    WHERE client_extension IS NOT NULL;

CREATE UNIQUE INDEX change_idempotency_key ON change (idempotency_key)
    WHERE idempotency_key IS NOT NULL;

CREATE UNIQUE INDEX change_declaration_id ON change (declaration_id)
    WHERE what = 'declaration';

CREATE TRIGGER change_is_dense BEFORE INSERT ON change
WHEN NEW.revision IS NOT (SELECT coalesce(max(revision), 0) + 1 FROM change)
BEGIN
    SELECT RAISE(ABORT, 'revisions are dense: the next one follows the last');
END;

CREATE TRIGGER change_is_never_updated BEFORE UPDATE ON change
BEGIN
    SELECT RAISE(ABORT, 'committed changes are never updated');
END;

CREATE TRIGGER change_is_never_deleted BEFORE DELETE ON change
BEGIN
    SELECT RAISE(ABORT, 'committed changes are never deleted');
END;

-- Who viewed a client's declarations, when and why.
CREATE TABLE viewing (
    number           INTEGER PRIMARY KEY,
    -- Microseconds since 1970-01-01T00:00:00Z.
    at               INTEGER NOT NULL,
    client_root      TEXT NOT NULL,
    client_extension TEXT NOT NULL,
    -- JSON. Null: not told.
    viewer           TEXT,
    -- Null: none was told.
    purpose          TEXT NOT NULL,
    what             TEXT NOT NULL
) STRICT;

CREATE TRIGGER viewing_is_never_updated BEFORE UPDATE ON viewing
BEGIN
    SELECT RAISE(ABORT, 'viewings are never updated');
END;

CREATE TRIGGER viewing_is_never_deleted BEFORE DELETE ON viewing
BEGIN
    SELECT RAISE(ABORT, 'viewings are never deleted');
END;
