"""CKAN itself: gunicorn for the web and one worker for its background jobs, out of an environment of their own."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import ini
from asking import ask
from layout import Layout
from postgres import Postgres
from processes import Command, Processes
from redis_server import Redis
from solr import USER, Solr, fingerprint
from state import StackError, State, free, write_private

PARTS = "Run `make portal-parts`."


class Ckan:
    """The web part and its worker."""

    name = "ckan"

    def __init__(self, layout: Layout, state: State, processes: Processes) -> None:
        self.layout, self.state, self.processes = layout, state, processes

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.state.port(self.name)}"

    def configure(self, postgres: Postgres, redis: Redis, solr: Solr) -> None:
        """Writes ckan.ini and compiles the extension's texts."""
        if not (self.layout.venv / "bin" / "ckan").exists():
            raise StackError("CKAN is not installed.", PARTS)
        if not any(self.layout.venv.glob("lib/python3*/site-packages/ckanext_citylake*.dist-info")):
            raise StackError("The portal's extension is not installed beside CKAN.", PARTS)
        (self.layout.root / "storage").mkdir(exist_ok=True)
        self._compile_texts()
        instance = self.state.get("instance")
        write_private(self.layout.ini, ini.text({
            "SECRET_KEY": self.state.password("secret"),
            "ckan.site_id": f"citylake-{instance}",
            "ckan.site_url": self.address,
            "ckan.site_title": self.state.get("title") or "公共数据开放平台",
            "ckanext.citylake.site_title_en": self.state.get("title_en") or ("" if self.state.get("title") else "Open Data Portal"),
            "sqlalchemy.url": postgres.address("ckan", "ckan"),
            "ckan.datastore.write_url": postgres.address("ckan", "datastore"),
            "ckan.datastore.read_url": postgres.address("datastore_ro", "datastore"),
            "solr_url": solr.address, "solr_user": USER, "solr_password": self.state.password("solr"),
            "ckan.redis.url": redis.address,
            "ckan.storage_path": str(self.layout.root / "storage"),
        }))

    def prepare(self, postgres: Postgres) -> bool:
        """Tables, the DataStore's rights, a sysadmin with a token: again whenever what makes them has changed."""
        made_from = fingerprint({str(path): _digest(path) for path in (self.layout.lock, self.layout.inside / "bootstrap.py",
                                                                       self.layout.extension / "pyproject.toml")})
        new = bool(self.state.get("prepared") != made_from)
        if new:
            out = json.loads(self._run([self.layout.venv / "bin" / "python", "-P", self.layout.inside / "bootstrap.py"]).splitlines()[-1])
            self.state.put("token", out["token"])
            self.state.put("prepared", made_from)
        access = {"url": self.address, "sysadmin_token": self.state.get("token"), "database": postgres.address("citylake_loader", "datastore")}
        write_private(self.layout.access, json.dumps(access, indent=1) + "\n")
        return new

    def start(self) -> list[str]:
        """Starts what is not there or was started from other files. Returns the names of the parts that it started."""
        config, began = self._config(), []
        bin = self.layout.venv / "bin"
        web = ["gunicorn", "-w", str(self.state.get("workers") or 2), "-b", f"127.0.0.1:{self.state.port(self.name)}", "--timeout", "600",
               "--no-control-socket", "--chdir", str(self.layout.inside), "wsgi:application"]      # sync workers: docs/deploy.md says why
        commands = {"worker": [str(bin / "ckan"), "jobs", "worker"], self.name: [str(bin / web[0]), *web[1:]]}
        for part, argv in commands.items():
            command = Command(argv, fingerprint({"files": config, "argv": "\0".join(argv)}), self.layout.root, self._env())
            if not self.processes.runs(part, command):
                self.processes.stop(part, again=part == "worker")
                self._port_is_ours(part)
                self.processes.start(part, command)
                began.append(part)
        return began

    def ready(self) -> None:
        self.processes.wait(self.name, self._answers)
        self.processes.wait("worker", lambda: True)     # it has had as long as the web to fail

    def reindex(self) -> bool:
        """Fills Solr again from the database, after its schema changed."""
        if not self.state.get("reindex"):
            return False
        self._run([self.layout.venv / "bin" / "ckan", "search-index", "rebuild"])
        self.state.put("reindex", False)
        return True

    def _port_is_ours(self, part: str) -> None:
        port = self.state.port(self.name)
        if part == self.name and not free(port):
            raise StackError(f"Port {port}, where the portal's address points, is taken by another program.", f"End what listens on {port}.")

    def _answers(self) -> bool:
        try:
            answer = json.loads(ask(f"{self.address}/api/3/action/status_show"))
            return bool(answer["result"]["site_url"] == self.address)
        except urllib.error.HTTPError as error:
            raise StackError(f"CKAN answers with HTTP {error.code}.", f"Its log is {self.layout.log(self.name)}.") from error

    def _config(self) -> str:
        """Fingerprint of everything that a running CKAN has read: its settings, its packages, the extension's files."""
        return fingerprint({str(path): _digest(path) for path in (self.layout.ini, self.layout.lock, self.layout.inside / "wsgi.py",
                                                                *self._extension_files())})

    def _extension_files(self) -> Iterator[Path]:
        for path in sorted((self.layout.extension / "ckanext").rglob("*")):
            if path.is_file() and path.suffix not in (".pyc", ".po", ".pot") and not path.name.startswith("."):
                yield path

    def _compile_texts(self) -> None:
        for source in self.layout.extension.rglob("*.po"):
            made = source.with_suffix(".mo")
            if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
                self._run([self.layout.venv / "bin" / "pybabel", "-q", "compile", "-i", source, "-o", made])

    def _run(self, argv: list[str | Path]) -> str:
        ran = subprocess.run([str(each) for each in argv], env=self._env(), cwd=self.layout.root, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise StackError(f"{Path(argv[0]).name} {Path(argv[-1]).name} failed.", ran.stderr.strip()[-1500:])
        return ran.stdout.strip()

    def _env(self) -> dict[str, str]:
        dropped = re.compile(r"(CKAN|PYTHON|CITYLAKE|VIRTUAL_ENV).*|.*_proxy", re.IGNORECASE)
        kept = {name: value for name, value in os.environ.items() if not dropped.fullmatch(name)}
        return {**kept, "CKAN_INI": str(self.layout.ini), "PATH": f"{self.layout.venv}/bin:{os.environ['PATH']}", "PYTHONWARNINGS": "ignore",
                "LC_ALL": "C.UTF-8"}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
