"""First set-up and every upgrade in one interpreter (each `ckan` command costs seconds): tables, plugins' tables, a sysadmin, its token.

Runs in CKAN's environment with CKAN_INI set; may run again at any time. The last line is JSON: {"token"}, with
`--keep-token` null and the token of before stays good.
"""

import json
import os
import secrets
import sys
from contextlib import closing

import psycopg2
from ckan import model
from ckan.cli import CKANConfigLoader
from ckan.cli.db import _get_pending_plugins, _run_migrations
from ckan.common import config
from ckan.config.middleware import make_app
from ckan.logic import get_action
from ckan.model import parse_db_config
from ckanext.datastore.cli import permissions_sql

ADMIN = "citylake-admin"
LOADER = "citylake_loader"
# Tables that CKAN makes from now on are open to the loader for INSERT and nothing else; _id comes from a sequence.
LOADING = """
GRANT CONNECT ON DATABASE "{database}" TO {loader};
GRANT USAGE ON SCHEMA public TO {loader};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT INSERT ON TABLES TO {loader};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT USAGE ON SEQUENCES TO {loader};
"""
TOKEN = "citylake portal up"


def sysadmin() -> None:
    """A sysadmin that nobody can log in as: its password is not kept."""
    if model.User.get(ADMIN) is None:
        get_action("user_create")({"ignore_auth": True, "user": ""},
                                  {"name": ADMIN, "email": "admin@example.org", "password": secrets.token_urlsafe(32)})
    user = model.User.get(ADMIN)
    user.sysadmin = True
    model.repo.commit()


def token() -> str:
    """A fresh token; those of earlier set-ups end."""
    context = {"ignore_auth": True, "user": ADMIN}
    for old in get_action("api_token_list")(dict(context), {"user_id": ADMIN}):
        if old["name"] == TOKEN:
            get_action("api_token_revoke")(dict(context), {"jti": old["id"]})
    made: str = get_action("api_token_create")(dict(context), {"user": ADMIN, "name": TOKEN})["token"]
    return made


def rights() -> None:
    """The DataStore's functions and grants, and the loader's. The owner of the database may give them all: no superuser is needed."""
    main, write, read = (parse_db_config(key) for key in ("sqlalchemy.url", "ckan.datastore.write_url", "ckan.datastore.read_url"))
    statements = permissions_sql(maindb=main["db_name"], datastoredb=write["db_name"], mainuser=main["db_user"],
                                 writeuser=write["db_user"], readuser=read["db_user"])
    # psql's own command; the connection says which database
    plain = "\n".join(line for line in statements.splitlines() if not line.startswith("\\connect"))
    with closing(psycopg2.connect(config["ckan.datastore.write_url"])) as connection, connection, connection.cursor() as cursor:
        cursor.execute(plain)
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (LOADER,))
        if cursor.fetchone():
            cursor.execute(LOADING.format(owner=write["db_user"], database=write["db_name"], loader=LOADER))


def main() -> None:
    app = make_app(CKANConfigLoader(os.environ["CKAN_INI"]).get_config())
    with getattr(app, "_wsgi_app", app).test_request_context():
        model.repo.upgrade_db()
        for plugin in _get_pending_plugins():
            _run_migrations(plugin)
        rights()
        sysadmin()
        print()
        print(json.dumps({"token": None if "--keep-token" in sys.argv else token()}))


if __name__ == "__main__":
    main()
