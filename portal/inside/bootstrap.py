"""First set-up and every upgrade in one interpreter (each `ckan` command costs seconds): tables, plugins' tables, a sysadmin, its token.

Runs in CKAN's environment with CKAN_INI set; may run again at any time. The last line is JSON: {"token", "datastore_sql"}.
"""

import json
import os
import secrets

from ckan import model
from ckan.cli import CKANConfigLoader
from ckan.cli.db import _get_pending_plugins, _run_migrations
from ckan.config.middleware import make_app
from ckan.logic import get_action
from ckan.model import parse_db_config
from ckanext.datastore.cli import permissions_sql

ADMIN = "citylake-admin"
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


def rights() -> str:
    """The DataStore's grants, for PostgreSQL's superuser to run."""
    main, write, read = (parse_db_config(key) for key in ("sqlalchemy.url", "ckan.datastore.write_url", "ckan.datastore.read_url"))
    found: str = permissions_sql(maindb=main["db_name"], datastoredb=write["db_name"], mainuser=main["db_user"],
                                 writeuser=write["db_user"], readuser=read["db_user"])
    return found


def main() -> None:
    app = make_app(CKANConfigLoader(os.environ["CKAN_INI"]).get_config())
    with getattr(app, "_wsgi_app", app).test_request_context():
        model.repo.upgrade_db()
        for plugin in _get_pending_plugins():
            _run_migrations(plugin)
        sysadmin()
        print()
        print(json.dumps({"token": token(), "datastore_sql": rights()}))


if __name__ == "__main__":
    main()
