-- The store of Lupa: declarations, withdrawals and directories, in the order in
-- which they were committed. No row is ever changed.

-- Its owner may have created it beforehand, for a role that may not create schemas.
DO $$ BEGIN
    IF to_regnamespace('lupa') IS NULL THEN
        CREATE SCHEMA lupa;
    END IF;
END $$;

-- What this store is. One row.
CREATE TABLE lupa.meta (
    one            boolean PRIMARY KEY DEFAULT true CHECK (one),
    schema_version integer NOT NULL,
    -- The key of the tokens' MAC. Secret.
    token_key      bytea NOT NULL CHECK (length(token_key) = 32),
    -- Distinguishes the ids of this store's declarations from other stores' ids.
    id_tag         integer NOT NULL CHECK (id_tag BETWEEN 0 AND 16777215)
);

-- The last commit. One row, locked from before a change is numbered until it is
-- committed: so revisions are in commit order and without holes, unlike the
-- numbers of a sequence.
CREATE TABLE lupa.head (
    one               boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- The history that the revisions count in.
    epoch             uuid NOT NULL,
    revision          bigint NOT NULL,
    -- Microseconds since 1970-01-01T00:00:00Z; 0 if there is no change.
    recorded_at       bigint NOT NULL,
    -- A random number of the commit: a process that has seen the commit can check
    -- whether it is still there, or another one in its place.
    commit_id         bigint NOT NULL,
    -- The server and timeline on which the history was last verified.
    system_identifier bigint NOT NULL,
    timeline          text NOT NULL,
    -- Staleness bound: no replica decides longer than this after its last freshness
    -- proof. Only ever raised.
    max_staleness_ms  bigint NOT NULL
) WITH (fillfactor = 10);

-- Committed changes.
CREATE TABLE lupa.change (
    revision         bigint PRIMARY KEY,
    -- Microseconds since 1970-01-01T00:00:00Z; never less than the row before.
    recorded_at      bigint NOT NULL,
    what             text NOT NULL CHECK (what IN ('declaration', 'withdrawal', 'directory')),
    -- Of the declaration, or of the one withdrawn: it is known even if the body cannot be read.
    kind             text CHECK (kind IN ('information', 'consent', 'denial')),
    client_root      text,
    client_extension text,
    -- Of the declaration, or of the one withdrawn.
    declaration_id   text,
    -- JSON, byte for byte as it was written.
    body             text NOT NULL,
    idempotency_key  text,
    -- SHA-256 of the request with that key.
    payload_digest   bytea CHECK (length(payload_digest) = 32),
    -- The answer with that key: a JSON list, and the id of the replaced consent.
    notices          text,
    replaced_id      text,
    commit_id        bigint NOT NULL,
    CHECK ((idempotency_key IS NULL) = (payload_digest IS NULL)),
    CHECK ((idempotency_key IS NULL) = (notices IS NULL)),
    CHECK ((what = 'directory') = (kind IS NULL)),
    CHECK ((what = 'directory') = (client_root IS NULL)),
    CHECK ((what = 'directory') = (client_extension IS NULL)),
    CHECK ((what = 'directory') = (declaration_id IS NULL))
);

CREATE INDEX change_of_client ON lupa.change (client_extension, client_root)
    WHERE client_extension IS NOT NULL;

CREATE UNIQUE INDEX change_idempotency_key ON lupa.change (idempotency_key)
    WHERE idempotency_key IS NOT NULL;

CREATE UNIQUE INDEX change_declaration_id ON lupa.change (declaration_id)
    WHERE what = 'declaration';

-- The log of viewings of clients' declarations.
CREATE TABLE lupa.viewing (
    number           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Microseconds since 1970-01-01T00:00:00Z.
    at               bigint NOT NULL,
    client_root      text NOT NULL,
    client_extension text NOT NULL,
    -- JSON. Null: not specified.
    viewer           text,
    purpose          text NOT NULL,
    what             text NOT NULL
);

CREATE FUNCTION lupa.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is never changed or deleted', TG_TABLE_SCHEMA, TG_TABLE_NAME;
END
$$;

CREATE FUNCTION lupa.require_dense() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.revision IS DISTINCT FROM (SELECT coalesce(max(revision), 0) + 1 FROM lupa.change) THEN
        RAISE EXCEPTION 'revisions are dense: the next one follows the last';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER change_is_dense BEFORE INSERT ON lupa.change
    FOR EACH ROW EXECUTE FUNCTION lupa.require_dense();
CREATE TRIGGER change_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON lupa.change
    FOR EACH STATEMENT EXECUTE FUNCTION lupa.refuse();
CREATE TRIGGER viewing_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON lupa.viewing
    FOR EACH STATEMENT EXECUTE FUNCTION lupa.refuse();
