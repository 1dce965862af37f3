-- What an epoch continues. The first epoch of a store has no row. No row is ever changed.
CREATE TABLE lupa.epoch (
    epoch   uuid PRIMARY KEY,
    parent  uuid NOT NULL,
    -- The last revision of the parent that is proven to be the same in this epoch.
    through bigint NOT NULL CHECK (through >= 0)
);

CREATE TRIGGER epoch_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON lupa.epoch
    FOR EACH STATEMENT EXECUTE FUNCTION lupa.refuse();

-- When the server was started on which the epoch started, in microseconds since
-- 1970-01-01T00:00:00Z by its clock. With 0, the next process that writes starts an epoch.
ALTER TABLE lupa.head ADD COLUMN server_started_at bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN lupa.head.system_identifier IS 'the server on which the epoch started';
COMMENT ON COLUMN lupa.head.timeline IS 'the timeline on which the epoch started';
