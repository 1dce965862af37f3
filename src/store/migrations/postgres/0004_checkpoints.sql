-- The digests of the states that checkpoints of the index hold. A checkpoint whose digest differs
-- from the one that is kept here for its revision is not used. Old rows are deleted.
CREATE TABLE lupa.checkpoint (
    number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The history that the revision counts in.
    epoch    uuid NOT NULL,
    revision bigint NOT NULL,
    -- The build that computed the digest: another one may compute another.
    build    text NOT NULL,
    digest   bigint NOT NULL,
    UNIQUE (epoch, revision, build)
);
