#!/usr/bin/env bash
# Run by Postgres's image at its first start: a role and a database for every service, closed to the others.
set -euo pipefail

for name in node-npc node-hanoi node-cpc node-hcmc node-spc gateway; do
  psql --no-psqlrc --set=ON_ERROR_STOP=1 --set=name="$name" --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
CREATE ROLE :"name" LOGIN;
CREATE DATABASE :"name" OWNER :"name" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
done
