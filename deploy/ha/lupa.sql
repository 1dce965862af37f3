-- Lupa's role and database. Patroni runs this on the node that creates or restores the
-- cluster; after a restore both exist already.
SELECT to_regrole('lupa') IS NULL AS missing \gset
\if :missing
CREATE ROLE lupa;
CREATE DATABASE lupa OWNER lupa;
\endif
REVOKE CONNECT ON DATABASE lupa FROM PUBLIC;

-- The password is read from a file, so that it is in no process list, and failed statements
-- are not logged.
\set password `cat "$LUPA_PASSWORD_FILE"`
SET log_min_error_statement = panic;
ALTER ROLE lupa LOGIN PASSWORD :'password';
