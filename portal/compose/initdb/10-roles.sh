#!/bin/sh
# Run once by the postgres image on an empty volume: the roles and databases that portal/local/postgres.py makes.
set -eu
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" \
     -v ckan="$CKAN_PASSWORD" -v reader="$READER_PASSWORD" -v loader="$LOADER_PASSWORD" <<'SQL'
CREATE ROLE ckan LOGIN PASSWORD :'ckan';
CREATE ROLE datastore_ro LOGIN PASSWORD :'reader';
CREATE ROLE citylake_loader LOGIN PASSWORD :'loader';
CREATE DATABASE ckan OWNER ckan ENCODING 'utf-8';
CREATE DATABASE datastore OWNER ckan ENCODING 'utf-8';
REVOKE ALL ON DATABASE ckan, datastore FROM PUBLIC;
GRANT CONNECT ON DATABASE ckan, datastore TO datastore_ro;
SQL
