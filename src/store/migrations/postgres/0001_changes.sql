-- The store of Lupa: what was declared, withdrawn and told of organisations,
-- in the order in which it was committed. Nothing of it is ever changed.

CREATE SCHEMA lupa;

-- What this store is. One row.
CREATE TABLE lupa.meta (
    one            boolean PRIMARY KEY DEFAULT true CHECK (one),
    schema_version integer NOT NULL,
    -- The key of the tokens' MAC. Secret.
    token_key      bytea NOT NULL CHECK (length(token_key) = 32),
    -- Tells the ids of this store's declarations from other stores' ids.
    id_tag         integer NOT NULL CHECK (id_tag BETWEEN 0 AND 16777215)
);

-- The last commit. One row, locked from before a change is numbered until it is
-- committed: so revisions are in the order of commits and without holes, which
-- those of a sequence are not.
CREATE TABLE lupa.head (
    one               boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- Which history the revisions are of.
    epoch             uuid NOT NULL,
    revision          bigint NOT NULL,
    -- Microseconds since 1970-01-01T00:00:00Z; 0 if there is no change.
    recorded_at       bigint NOT NULL,
    -- Drawn anew for each commit: whoever has seen a commit can tell whether it
    -- is still there, or another one in its place.
    commit_id         bigint NOT NULL,
    -- On which server and timeline it was last known that nothing is lost.
    system_identifier bigint NOT NULL,
    timeline          text NOT NULL,
    -- No replica answers from what was proven fresh longer ago. Only ever raised.
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
    -- SHA-256 of what was asked with that key.
    payload_digest   bytea CHECK (length(payload_digest) = 32),
    -- What was answered with that key: a JSON list, and the id of the consent replaced.
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

-- Who viewed a client's declarations, when and why.
CREATE TABLE lupa.viewing (
    number           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Microseconds since 1970-01-01T00:00:00Z.
    at               bigint NOT NULL,
    client_root      text NOT NULL,
    client_extension text NOT NULL,
    -- JSON. Null: not told.
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
