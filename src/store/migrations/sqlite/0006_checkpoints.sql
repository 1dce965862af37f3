-- The digests of the states that checkpoints of the index hold. A checkpoint whose digest differs
-- from the one that is kept here for its revision is not used. Old rows are deleted.
CREATE TABLE checkpoint (
    number   INTEGER PRIMARY KEY,
    -- A UUID: the history that the revision counts in.
    epoch    TEXT NOT NULL,
    revision INTEGER NOT NULL,
    -- The build that computed the digest: another one may compute another.
    build    TEXT NOT NULL,
    digest   INTEGER NOT NULL,
    UNIQUE (epoch, revision, build)
) STRICT;
