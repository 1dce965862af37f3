-- Run once, by Patroni, when the cluster is created: Lupa's role and its database.

-- Patroni's own sessions must not wait for a synchronous node: 3.0.2 would stop looking
-- after the cluster when there is none. They write nothing that Lupa needs.
ALTER ROLE postgres SET synchronous_commit = local;

-- From a file, so that the password is in no process list.
\set password `cat "$LUPA_PASSWORD_FILE"`
CREATE ROLE lupa LOGIN PASSWORD :'password';
CREATE DATABASE lupa OWNER lupa;
REVOKE CONNECT ON DATABASE lupa FROM PUBLIC;

ALTER ROLE lupa SET synchronous_commit = on;
-- A timeout that ends a COMMIT while it waits for the synchronous node makes PostgreSQL
-- say that it committed, with no more than a warning that it may be lost.
ALTER ROLE lupa SET statement_timeout = 0;
-- A Lupa that hangs in a transaction must not stop the others from writing.
ALTER ROLE lupa SET idle_in_transaction_session_timeout = '5s';
