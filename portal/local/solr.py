"""Solr: CKAN's search index, as one Java process on loopback that answers nobody without its password."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import urllib.error

import jars
import schema
from asking import ask
from layout import Layout
from processes import Command, Processes
from state import StackError, State, write_private

USER = "ckan"
MEMORY = ("-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class Solr:
    """The index part."""

    name = "solr"

    def __init__(self, layout: Layout, state: State, processes: Processes) -> None:
        self.layout, self.state, self.processes = layout, state, processes
        self.home = layout.root / "solr"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.state.port(self.name)}/solr/ckan"

    def start(self) -> bool:
        """Only starts: Java takes some seconds, which pass beside PostgreSQL's."""
        files = self._configuration()
        command = self._command(files)
        if self.processes.runs(self.name, command):
            return False
        if not any(self.layout.jars.glob("solr-core-*.jar")):
            raise StackError("Solr's jars are not there.", "Run `make portal-parts`.")
        jars.check(self.layout.jars)
        self.processes.stop(self.name)
        self._write(files)
        self.processes.start(self.name, command)
        return True

    def ready(self) -> None:
        self.processes.wait(self.name, self._answers)

    def _command(self, files: dict[str, str]) -> Command:
        said = {"disable.configEdit": "true", "solr.solr.home": self.home, "jetty.port": self.state.port(self.name),
                "solr.log.dir": self.layout.logs, "log4j2.configurationFile": self.layout.solr_files / "log4j2.xml",
                "java.util.logging.config.file": self.layout.solr_files / "jul.properties", "java.io.tmpdir": self.layout.root / "tmp"}
        argv = ["java", *MEMORY, *(f"-D{key}={value}" for key, value in said.items()), "-cp", f"{self.layout.jars}/*",
                "org.eclipse.jetty.xml.XmlConfiguration", str(self.layout.solr_files / "jetty-solr.xml")]
        return Command(argv, fingerprint({**files, "argv": "\0".join(argv), "jars": jars.LOCK.read_text()}), self.layout.root)

    def _configuration(self) -> dict[str, str]:
        """Relative name → text of every file of Solr's home."""
        shipped = self.layout.solr_files / "home"
        files = {str(path.relative_to(shipped)): path.read_text(encoding="utf-8") for path in shipped.rglob("*") if path.is_file()}
        files["ckan/conf/schema.xml"] = schema.chinese(schema.shipped(self.layout.venv).read_text(encoding="utf-8"))
        files["security.json"] = self._security()
        return files

    def _write(self, files: dict[str, str]) -> None:
        """Another schema than the index was written with makes the index worthless: it goes, and CKAN writes it again."""
        shape = fingerprint({name: text for name, text in files.items() if name.startswith("ckan/conf/")})
        if self.state.get("schema") not in (None, shape):
            shutil.rmtree(self.home / "ckan" / "data", ignore_errors=True)
            self.state.put("reindex", True)
        (self.layout.root / "tmp").mkdir(exist_ok=True)
        for name, text in files.items():
            path = self.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_private(path, text)
        self.state.put("schema", shape)

    def _security(self) -> str:
        password = self.state.password(self.name)
        salt = hashlib.sha256(self.state.password("secret").encode()).digest()
        digest = hashlib.sha256(hashlib.sha256(salt + password.encode()).digest()).digest()
        credentials = f"{base64.b64encode(digest).decode()} {base64.b64encode(salt).decode()}"
        return json.dumps({"authentication": {"class": "solr.BasicAuthPlugin", "blockUnknown": True, "credentials": {USER: credentials}}})

    def _answers(self) -> bool:
        login = base64.b64encode(f"{USER}:{self.state.password(self.name)}".encode()).decode()
        try:
            return bool(ask(f"{self.address}/admin/ping?wt=json", {"Authorization": f"Basic {login}"}, 5))
        except urllib.error.HTTPError as error:
            body = error.read().decode(errors="replace")
            if "init failure" in body or "Initialization Fail" in body:     # it would answer so for ever
                raise StackError("Solr cannot load its core.", f"{body[:400]}\nIts log is {self.layout.log(self.name)}.") from error
            return False


def fingerprint(texts: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()

