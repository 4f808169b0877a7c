-- Run once by the image of PostgreSQL, when it makes the database. The superuser can log in from inside the container
-- only: it loses the password that the image insists on.
\set owner_password `cat /run/secrets/postgres_owner_password`
\set app_password `cat /run/secrets/postgres_app_password`
CREATE ROLE pruneserve_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE pruneserve LOGIN PASSWORD :'app_password';
CREATE DATABASE pruneserve OWNER pruneserve_owner;
REVOKE TEMPORARY ON DATABASE pruneserve FROM PUBLIC;
-- So that pruneserve-migrate can take away what the other role has set for itself.
GRANT pruneserve TO pruneserve_owner WITH INHERIT FALSE, SET TRUE;
\connect pruneserve
-- Any role may make large objects otherwise.
REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC;
ALTER ROLE postgres PASSWORD NULL;
