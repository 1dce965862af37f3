-- Ids of new declarations are derived from the time and the revision at which they
-- are stored, and from this number, which distinguishes them from other stores' ids.

ALTER TABLE meta ADD COLUMN id_tag INTEGER NOT NULL DEFAULT 0 CHECK (id_tag BETWEEN 0 AND 16777215);

UPDATE meta SET id_tag = random() & 16777215;

-- `IN` in a check makes SQLite build a table of the texts for each row that is
-- inserted, which took longer than the rest. Only the way in which the checks
-- are written changes, and no row: https://www.sqlite.org/lang_altertable.html,
-- section 8.
PRAGMA writable_schema = ON;

UPDATE sqlite_schema
SET sql = replace(replace(sql,
        'what IN (''declaration'', ''withdrawal'', ''directory'')',
        'what = ''declaration'' OR what = ''withdrawal'' OR what = ''directory'''),
        'kind IN (''information'', ''consent'', ''denial'')',
        'kind = ''information'' OR kind = ''consent'' OR kind = ''denial''')
WHERE type = 'table' AND name = 'change';

PRAGMA writable_schema = RESET;
