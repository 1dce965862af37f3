-- Links between the codes of one person, their ends, and the boundaries of imports.
-- A link is stored once for each of its codes; its id is in `declaration_id`.
ALTER TABLE lupa.change
    DROP CONSTRAINT change_what_check,
    DROP CONSTRAINT change_check2,
    DROP CONSTRAINT change_check3,
    DROP CONSTRAINT change_check4,
    DROP CONSTRAINT change_check5,
    ADD CONSTRAINT change_what_check CHECK (what IN
        ('declaration', 'withdrawal', 'directory', 'link', 'link_end', 'import_begin', 'import_end')),
    ADD CONSTRAINT change_kind_is_known CHECK ((what IN ('declaration', 'withdrawal')) = (kind IS NOT NULL)),
    ADD CONSTRAINT change_client_is_known
        CHECK ((what IN ('directory', 'import_begin', 'import_end')) = (client_root IS NULL)),
    ADD CONSTRAINT change_client_is_whole CHECK ((client_root IS NULL) = (client_extension IS NULL)),
    ADD CONSTRAINT change_id_is_known CHECK ((client_root IS NULL) = (declaration_id IS NULL));

CREATE INDEX change_link_id ON lupa.change (declaration_id)
    WHERE what = 'link';
