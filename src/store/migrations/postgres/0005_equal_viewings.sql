-- How many viewings a row stands for. The first of several equal ones is a row at once; those that
-- follow it within a minute are one more row, with their number, at the end of the minute.
ALTER TABLE lupa.viewing ADD COLUMN times bigint NOT NULL DEFAULT 1 CHECK (times >= 1);
