"""Container's entry: writes ckan.ini from the environment, then `web` prepares the databases and serves, `worker` does CKAN's jobs.

Environment: SITE_URL, SITE_TITLE, SITE_TITLE_EN, SECRET_KEY, CKAN_PASSWORD, READER_PASSWORD, REDIS_PASSWORD, WORKERS (2).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE / "local"))

import ini  # noqa: E402
from state import write_private  # noqa: E402

HOME = Path("/var/lib/ckan")
BIN = Path(sys.executable).parent


def settings(env: dict[str, str]) -> str:
    """The text of ckan.ini."""
    secure = str(env["SITE_URL"].startswith("https:")).lower()
    return ini.text({
        "SECRET_KEY": env["SECRET_KEY"],
        "SESSION_COOKIE_SECURE": secure,
        "REMEMBER_COOKIE_SECURE": secure,
        "ckan.site_id": "citylake",
        "ckan.site_url": env["SITE_URL"],
        "ckan.site_title": env.get("SITE_TITLE", "公共数据开放平台"),
        "ckanext.citylake.site_title_en": env.get("SITE_TITLE_EN", "Open Data Portal"),
        "sqlalchemy.url": f"postgresql://ckan:{env['CKAN_PASSWORD']}@db/ckan",
        "ckan.datastore.write_url": f"postgresql://ckan:{env['CKAN_PASSWORD']}@db/datastore",
        "ckan.datastore.read_url": f"postgresql://datastore_ro:{env['READER_PASSWORD']}@db/datastore",
        "solr_url": "http://solr:8983/solr/ckan",
        "ckan.redis.url": f"redis://:{env['REDIS_PASSWORD']}@redis:6379/0",
        "ckan.storage_path": str(HOME / "storage"),
    })


def prepare() -> None:
    """Databases, at every start; the sysadmin's token, once: it stays in the volume for `citylake portal setup`."""
    kept = HOME / "token"
    argv = [BIN / "python", "-P", HERE / "inside" / "bootstrap.py", *(["--keep-token"] if kept.exists() else [])]
    made = json.loads(subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])["token"]
    if made:
        write_private(kept, made + "\n")


def main(part: str) -> None:
    os.umask(0o077)
    os.environ["CKAN_INI"] = str(HOME / f"{part}.ini")
    write_private(HOME / f"{part}.ini", settings(dict(os.environ)))
    if part == "worker":
        os.execv(BIN / "ckan", ["ckan", "jobs", "worker"])
    prepare()
    os.execv(BIN / "gunicorn", ["gunicorn", "-w", os.environ.get("WORKERS", "2"), "-b", "0.0.0.0:5000", "--timeout", "600",
                                "--no-control-socket", "--chdir", str(HERE / "inside"), "wsgi:application"])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "web")
