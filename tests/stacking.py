"""A portal stack for tests: the real parts below a temporary root, driven as people drive them, and questions to its CKAN."""

from __future__ import annotations

import ctypes.util
import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

CHECKOUT = Path(__file__).resolve().parents[1]
MAIN = CHECKOUT / "portal" / "local" / "main.py"
CKAN = CHECKOUT / ".tools" / "ckan"
JARS = CHECKOUT / ".tools" / "solr"
PARTS = ("postgres", "redis", "solr", "worker", "ckan")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def postgres_there() -> bool:
    return any(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or shutil.which("initdb") is not None


def portal_there() -> bool:
    programs = all(shutil.which(name) for name in ("redis-server", "java"))
    return bool(programs and postgres_there() and ctypes.util.find_library("magic")
                and (CKAN / ".ready").exists() and (JARS / ".ready").exists())


@dataclass
class PortalStack:
    """A running portal. `token` is a sysadmin's, `database` a DSN of the loading role on the DataStore's database."""

    root: Path
    url: str = ""
    token: str = ""
    database: str = ""

    def command(self, *words: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs main.py on this root with --json; answers with what it printed."""
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.root.parent), **environment}
        ran = subprocess.run([sys.executable, str(MAIN), words[0], "--root", str(self.root), "--json", *words[1:]],
                             capture_output=True, text=True, check=False, timeout=240, env=env)
        assert ran.returncode == 0 or not check, ran.stdout + ran.stderr
        return ran

    def up(self, *words: str) -> list[str]:
        """Brings it up; returns the names of what was done (nothing, when all ran)."""
        said = [json.loads(line) for line in self.command("up", "--workers", "1", *words).stdout.splitlines()]
        access = json.loads((self.root / "access.json").read_text(encoding="utf-8"))
        self.url, self.token, self.database = access["url"], access["sysadmin_token"], access["database"]
        return [each["done"] for each in said if "done" in each]

    def empty(self) -> None:
        """Removes every package, deleted ones too, every organisation and group; accounts stay."""
        for package in self.sql("SELECT id FROM package"):
            self.call("dataset_purge", {"id": package})
        for kind in ("organization", "group"):
            for name in self.call(f"{kind}_list"):
                self.call(f"{kind}_purge", {"id": name})
        self.call("citylake_purge")

    def sql(self, query: str) -> list[str]:
        """One column of CKAN's own database, as its owner reads it."""
        ini = (self.root / "ckan.ini").read_text(encoding="utf-8")
        dsn = re.search(r"^sqlalchemy.url\s*=\s*(\S+)", ini, re.MULTILINE)
        assert dsn is not None
        with psycopg.connect(dsn[1]) as connection:
            return [str(row[0]) for row in connection.execute(query).fetchall()]      # type: ignore[arg-type]

    def down(self) -> None:
        self.command("down")

    def reset(self) -> None:
        """Ends everything and removes all data."""
        if self.root.exists():
            self.command("reset", "--yes")

    def kill(self, part: str) -> None:
        """kill -9 of one of PARTS; `up` brings it back."""
        self.command("kill", part)

    def restart(self, part: str) -> None:
        self.command("restart", part)

    def status(self) -> dict[str, dict[str, Any]]:
        """Part → running, pid, port, memory."""
        return {row["part"]: row for row in json.loads(self.command("status").stdout)["parts"]}

    def call(self, action: str, given: dict[str, Any] | None = None, token: str | None = None) -> Any:
        """A CKAN action as the sysadmin (token="" as nobody). Raises urllib.error.HTTPError."""
        token = self.token if token is None else token
        asked = urllib.request.Request(f"{self.url}/api/3/action/{action}", data=json.dumps(given or {}).encode(),
                                       headers={"Content-Type": "application/json", **({"Authorization": token} if token else {})})
        try:
            with DIRECT.open(asked, timeout=60) as answer:
                return json.load(answer)["result"]
        except urllib.error.HTTPError as error:
            error.add_note(error.read().decode(errors="replace")[:1000])
            raise

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Status and body of a page, whatever the status."""
        try:
            with DIRECT.open(urllib.request.Request(f"{self.url}{path}", headers=headers), timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
