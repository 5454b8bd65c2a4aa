"""PostgreSQL: one private cluster on loopback, two databases, three roles. It refuses to run as root, so root lends it a user."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from debian import install_line, postgres_bin
from layout import Layout
from processes import Command, Processes, working_in
from state import StackError, State, write_private

USER = "postgres"
ROLES = {"ckan": "ckan", "datastore_ro": "reader", "citylake_loader": "loader"}
DATABASES = ("ckan", "datastore")


class Postgres:
    """The database part."""

    name = "postgres"

    def __init__(self, layout: Layout, state: State, processes: Processes) -> None:
        self.layout, self.state, self.processes = layout, state, processes
        self.user = USER if os.geteuid() == 0 else None

    @property
    def bin(self) -> Path:
        """The programs that fit the cluster: a newer PostgreSQL does not open it."""
        made_by = self._home() / "data" / "PG_VERSION"
        version = made_by.read_text(encoding="ascii").strip() if made_by.exists() else None
        found = postgres_bin(version)
        if found is None:
            raise StackError(f"This machine lacks PostgreSQL {version or 15}.", install_line([f"postgresql-{version or 15}"]))
        return found

    def command(self) -> Command:
        home, port = self._home(), self.state.port(self.name)
        # No socket file: their paths may not be longer than 107 bytes, and loopback with a password does.
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "max_connections": 100,
                    "shared_buffers": "128MB", "max_wal_size": "2GB", "timezone": "UTC", "log_timezone": "UTC",
                    "wal_recycle": "off"}       # or segments with rows of what was withdrawn lie there until they are used again
        argv = [str(self.bin / "postgres"), "-D", str(home / "data")]
        for key, value in settings.items():
            argv += ["-c", f"{key}={value}"]
        return Command(argv, hashlib.sha256("\0".join(argv).encode()).hexdigest(), home, user=self.user)

    def start(self) -> bool:
        command = self.command()
        if self.processes.runs(self.name, command):
            return False
        self.stop()
        home = self._home()
        if not (home / "data" / "PG_VERSION").exists():
            self._initialise(home)
        self._unlock(home / "data")
        self.processes.start(self.name, command)
        return True

    def ready(self) -> None:
        asked = [str(self.bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.state.port(self.name))]
        self.processes.wait(self.name, lambda: subprocess.run(asked, check=False).returncode == 0)
        self._databases()

    def stop(self) -> bool:
        return self.processes.stop(self.name, signal.SIGINT)        # the fast shutdown

    def wipe(self) -> None:
        """Removes the cluster, wherever it lies."""
        self._clear(Path(self.state.get("postgres") or self._place()))

    def query(self, sql: str, database: str = "postgres") -> str:
        """Runs SQL as the superuser. Raises StackError with PostgreSQL's first line."""
        argv = [str(self.bin / "psql"), "-X", "-h", "127.0.0.1", "-p", str(self.state.port(self.name)), "-U", USER, "-d", database,
                "-v", "ON_ERROR_STOP=1", "-qAt"]
        ran = subprocess.run(argv, input=sql, text=True, capture_output=True, check=False,
                             env={**os.environ, "PGPASSWORD": self.state.password(self.name), "LC_ALL": "C.UTF-8"})
        if ran.returncode:
            raise StackError("PostgreSQL refused a statement.", ran.stderr.strip().splitlines()[0] if ran.stderr.strip() else "")
        return ran.stdout.strip()

    def address(self, role: str, database: str) -> str:
        """A DSN with its password."""
        return f"postgresql://{role}:{self.state.password(ROLES[role])}@127.0.0.1:{self.state.port(self.name)}/{database}"

    def _databases(self) -> None:
        roles = set(self.query("SELECT rolname FROM pg_roles").splitlines())
        for role, password in ROLES.items():
            if role not in roles:
                self.query(f"CREATE ROLE {role} LOGIN PASSWORD '{self.state.password(password)}'")
        there = set(self.query("SELECT datname FROM pg_database").splitlines())
        for database in DATABASES:
            if database not in there:
                self.query(f"CREATE DATABASE {database} OWNER ckan ENCODING 'utf-8'")
                self.query(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC; GRANT CONNECT ON DATABASE {database} TO datastore_ro")

    def _home(self) -> Path:
        """The folder around the cluster."""
        if not self.state.get("postgres"):
            self.state.put("postgres", str(self._place()))
        return Path(self.state.get("postgres"))

    def _place(self) -> Path:
        """Below the root, or elsewhere when PostgreSQL's user could not pass through to it."""
        root = self.layout.root
        if not self.user:
            return root / "postgres"
        if all(each.stat().st_mode & 0o001 for each in root.parents):
            root.chmod(0o711)       # may be passed through, not listed; what lies in it is closed itself
            return root / "postgres"
        base = Path("/var/lib") if os.access("/var/lib", os.W_OK) else Path(tempfile.gettempdir())
        return base / "citylake-portal" / hashlib.sha256(str(root).encode()).hexdigest()[:16]

    def _initialise(self, home: Path) -> None:
        self._clear(home)
        home.mkdir(parents=True, mode=0o700)
        password = home / "password"
        write_private(password, self.state.password(self.name))
        if self.user:
            if home.parent != self.layout.root:
                home.parent.chmod(0o711)
            for path in (home, password):
                shutil.chown(path, self.user, self.user)
        argv = [str(self.bin / "initdb"), "-D", str(home / "making"), "-U", USER, "--auth=scram-sha-256", f"--pwfile={password}",
                "-E", "UTF8", "--locale=C.UTF-8"]
        ran = subprocess.run(argv, user=self.user, group=self.user, extra_groups=[] if self.user else None, cwd=home,
                             capture_output=True, text=True, check=False)
        password.unlink()
        if ran.returncode:
            shutil.rmtree(home, ignore_errors=True)
            raise StackError("PostgreSQL's cluster could not be made.", ran.stderr.strip()[-600:])
        (home / "making").rename(home / "data")     # initdb is not atomic, this is

    def _unlock(self, data: Path) -> None:
        """Removes the lock of a killed server, which PostgreSQL believes alive while its pid is a zombie or somebody else's.

        Only when no process works in the cluster any more: the server's children end by themselves, but not at once.
        """
        end = time.monotonic() + 15
        while working_in(data):
            if time.monotonic() > end:
                raise StackError("Another PostgreSQL works in this portal's cluster.", f"End it; its folder is {data}.")
            time.sleep(0.1)
        (data / "postmaster.pid").unlink(missing_ok=True)

    def _clear(self, home: Path) -> None:
        """Ends and removes what a root left here that was deleted by hand, or a kill while the cluster was made."""
        if (home / "data" / "postmaster.pid").exists():
            subprocess.run([str(self.bin / "pg_ctl"), "-D", str(home / "data"), "-m", "immediate", "stop"], cwd=home, check=False,
                           capture_output=True, user=self.user, group=self.user, extra_groups=[] if self.user else None)
        shutil.rmtree(home, ignore_errors=True)

