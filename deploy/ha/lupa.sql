-- Run by Patroni on the node that creates the cluster, or restores it: Lupa's role and its
-- database. After a restore both are there.
SELECT to_regrole('lupa') IS NULL AS missing \gset
\if :missing
CREATE ROLE lupa;
CREATE DATABASE lupa OWNER lupa;
\endif
REVOKE CONNECT ON DATABASE lupa FROM PUBLIC;

-- The password comes from a file and so is in no list of processes, and a statement that
-- fails is not logged.
\set password `cat "$LUPA_PASSWORD_FILE"`
SET log_min_error_statement = panic;
ALTER ROLE lupa LOGIN PASSWORD :'password';

ALTER ROLE lupa SET synchronous_commit = on;
-- A Lupa that hangs in a transaction must not keep the others from writing.
ALTER ROLE lupa SET idle_in_transaction_session_timeout = '5s';
