-- Links between the codes of one person, their ends, and the boundaries of imports.
-- A link is stored once for each of its codes; its id is in `declaration_id`. Only
-- the checks change, and no row: see the second migration.
PRAGMA writable_schema = ON;

UPDATE sqlite_schema
SET sql = replace(replace(replace(replace(replace(sql,
        'what = ''declaration'' OR what = ''withdrawal'' OR what = ''directory''',
        'what = ''declaration'' OR what = ''withdrawal'' OR what = ''directory'' OR what = ''link''
            OR what = ''link_end'' OR what = ''import_begin'' OR what = ''import_end'''),
        'CHECK ((what = ''directory'') = (kind IS NULL))',
        'CHECK ((what = ''declaration'' OR what = ''withdrawal'') = (kind IS NOT NULL))'),
        'CHECK ((what = ''directory'') = (client_root IS NULL))',
        'CHECK ((what = ''directory'' OR what = ''import_begin'' OR what = ''import_end'') = (client_root IS NULL))'),
        'CHECK ((what = ''directory'') = (client_extension IS NULL))',
        'CHECK ((client_root IS NULL) = (client_extension IS NULL))'),
        'CHECK ((what = ''directory'') = (declaration_id IS NULL))',
        'CHECK ((client_root IS NULL) = (declaration_id IS NULL))')
WHERE type = 'table' AND name = 'change';

PRAGMA writable_schema = RESET;

CREATE INDEX change_link_id ON change (declaration_id)
    WHERE what = 'link';
