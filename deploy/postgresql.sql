-- Role and database of cstiers; run once as PostgreSQL's superuser:
--   sudo -u postgres psql --file=deploy/postgresql.sql
-- It asks for the role's password: on a command line everybody on the machine could read it.
-- One role owns the tables and uses them: it migrates, serves and restores. It can do nothing outside its database.

\if :{?password}
\else
\prompt 'Password for the role cstiers: ' password
\endif
CREATE ROLE cstiers LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'password';
-- Site (4 processes with 2 threads), workers, beat, a command or two; above it something is wrong.
ALTER ROLE cstiers CONNECTION LIMIT 60;
CREATE DATABASE cstiers OWNER cstiers ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE cstiers FROM PUBLIC;

\connect cstiers
ALTER SCHEMA public OWNER TO cstiers;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
-- How long a statement or a lock is waited for, each process says itself (DATABASE_…_SECONDS in /etc/cstiers/env). This
-- holds for everything else that signs in as cstiers, psql by hand as well.
ALTER ROLE cstiers IN DATABASE cstiers SET lock_timeout = '20s';
ALTER ROLE cstiers IN DATABASE cstiers SET idle_in_transaction_session_timeout = '10min';
ALTER ROLE cstiers IN DATABASE cstiers SET timezone = 'UTC';

-- For a person who looks at reports and must change nothing (optional):
--   CREATE ROLE cstiers_reader LOGIN PASSWORD '…';
--   GRANT CONNECT ON DATABASE cstiers TO cstiers_reader;
--   GRANT USAGE ON SCHEMA public TO cstiers_reader;
--   GRANT SELECT ON ALL TABLES IN SCHEMA public TO cstiers_reader;
-- Give it again after a restore: grants are not in a backup. It sees every tier and amount, whoever's they are.
