"""Killing the program at a boundary between two writes, and looking at what it leaves. Not a test: used by those that kill.

`python tests/killing.py` is a server that has everything imported and nothing opened: it forks a child for each act, so that
an act starts in milliseconds. `Killer` talks to it; `picture` is everything that a kill may not change.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tiny import DATASET, Tiny

ROOT = Path(__file__).resolve().parents[1]
TOMBSTONE = {"reason": "Wrong", "basis": "Law", "date": "2026-11-24"}


def attach(root: Path, sources: Path, now: str, user: str = "tester", engine: str = "duckdb", spark: str = "local[2]") -> Tiny:
    """A city that is there already, as it is; the sources stay where they are, however often the rest is copied."""
    city = object.__new__(Tiny)
    city.root, city.now, city.user, city.city, city.sources = root, datetime.fromisoformat(now), user, root / "city", sources
    city.engine, city.spark = engine, spark
    return city


# -- acts: what a person or the schedule does, again as long as it is not done -------------------------------------------

def act_run(city: Tiny) -> list[str]:
    return [f"{item.dataset} {item.step} {item.target} {item.outcome} {item.note}".strip() for item in city.run()]


def act_decide(city: Tiny, verdict: str = "approve") -> list[str]:
    """What still waits for a person is decided."""
    from pipelines.decisions import decide, inbox

    way = city.way()
    waiting = [item.hold for item in inbox(way) if not way.journal.state(item.dataset).approval(item.hold.subject, way.today())]
    return [decide(way, hold.id, verdict, "Looked at it and it is well").id for hold in waiting]     # type: ignore[arg-type]


def act_reject(city: Tiny) -> list[str]:
    """The held batch is wiped at once; a kill before that leaves it to the next run."""
    return act_decide(city, "reject") + act_run(city)


def act_resubmit(city: Tiny) -> list[str]:
    from pipelines.corrections import export, resubmit

    way, path = city.way(), city.root / "corrected.csv"
    if not path.exists():
        path.with_suffix(".part").unlink(missing_ok=True)
        export(way, way.contract(DATASET), path.with_suffix(".part"))
        path.with_suffix(".new").write_text(path.with_suffix(".part").read_text(encoding="utf-8-sig").replace("X", "B"), encoding="utf-8")
        path.with_suffix(".new").rename(path)
    return [str(resubmit(way, way.contract(DATASET), path)["outcome"])]


def act_replay(city: Tiny) -> list[str]:
    from pipelines.replay import replay

    return [str(replay(city.way(), city.way().contract(DATASET))["outcome"])]


def act_apply(city: Tiny) -> list[str]:
    """Plans everything and applies it, as a person does who starts again after a kill."""
    from pipelines import applying

    way = city.way()
    plans = [applying.plan_of(way, portal) for portal in applying.named(way, [])]
    return [f"{item.dataset} {item.step} {item.target} {item.outcome} {item.note}".strip() for item in applying.apply(way, plans)]


def act_withdraw(city: Tiny, dataset: str = DATASET) -> list[str]:
    from pipelines.conduct import conclude
    from pipelines.portals.listed import portals_of
    from pipelines.steps.withdraw import withdraw

    way = city.way()
    done = withdraw(way, way.contract(dataset), "main", TOMBSTONE, portals_of(way))
    conclude(way)
    return [str(done["outcome"])]


def act_retain(city: Tiny) -> list[str]:
    """What is over its time is erased."""
    from pipelines.steps.retain import retain

    return [f"{item.dataset} {item.step} {item.target} {item.outcome} {item.note}".strip() for item in retain(city.way())]


def act_backup(city: Tiny) -> list[str]:
    from pipelines.backup import make

    return [make(city.settings, city.root.parent / "safe").backup.id]


def act_restore(city: Tiny) -> list[str]:
    """The newest backup takes the place of the lake that is there."""
    from pipelines.restore import restore

    return [restore(city.settings, city.root.parent / "safe", replace=True).backup.id]


ACTS: dict[str, Callable[..., list[str]]] = {
    "run": act_run, "approve": act_decide, "reject": act_reject, "resubmit": act_resubmit,
    "replay": act_replay, "withdraw": act_withdraw, "apply": act_apply,
    "retain": act_retain, "backup": act_backup, "restore": act_restore,
}


# -- the server -----------------------------------------------------------------------------------------------------------

def serve() -> None:
    """Reads one order a line, forks, waits, answers."""
    os.umask(0o077)
    import great_expectations  # noqa: F401  # the slowest import: once for all children

    import pipelines.corrections
    import pipelines.replay
    import pipelines.steps.withdraw  # noqa: F401
    import quality.buffered
    import quality.judge  # noqa: F401

    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _child(order)
        _, status = _wait(pid, order.get("after"))
        print(json.dumps({"killed": os.WIFSIGNALED(status), "code": status}), flush=True)


def _wait(pid: int, after: float | None) -> tuple[int, int]:
    """Waits for the child; kills it after so many seconds, wherever it is."""
    end = time.monotonic() + after if after is not None else None
    while end is not None and time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return found, status
        time.sleep(0.002)
    if end is not None:
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)


def _child(order: dict[str, Any]) -> None:
    from pipelines import boundary, keys

    root, log = Path(order["root"]), os.open(order["log"], os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_APPEND, 0o600)
    seen = 0

    def watch(name: str) -> None:
        nonlocal seen
        os.write(log, f"{name}\n".encode())
        time.sleep(order.get("slow", 0))
        if (order.get("kill_at") == seen) or order.get("kill_name") == name:
            os.kill(os.getpid(), signal.SIGKILL)
        if order.get("snapshots") and name.endswith("/settled"):
            shutil.copytree(root, Path(order["snapshots"]) / f"{seen:04d}", symlinks=True, copy_function=shutil.copy2)
        seen += 1

    boundary.watchers.append(watch)
    out = os.open(order["out"], os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(out, 1), os.dup2(out, 2)
    code = 1
    try:
        act, _, of = order["act"].partition(" ")        # "withdraw parks.trees"
        if drawn := order["engine"].pop("key", None):
            keys.random = SimpleNamespace(token_hex=lambda _: drawn)       # type: ignore[assignment]
        city = attach(root, Path(order["sources"]), order["now"], **order["engine"])
        told = ACTS[act](city, *([of] if of else []))
        os.write(out, ("\n".join(told) + "\n").encode())
        code = 2 if any(" failed " in text for text in told) else 0
    except BaseException as error:
        os.write(out, f"{type(error).__name__}: {error}\n".encode())
    os._exit(code)


@dataclass
class Came:
    """What came of an act: whether it was killed, the boundaries that it passed, and what it said."""

    killed: bool
    code: int
    seen: list[str]
    said: str


class Killer:
    """The server's other end. `sources`, `now` and what `attach` is told of the engine are the same for all acts; a `key` is the id that
    every new key of tokens gets.
    """

    def __init__(self, folder: Path, sources: Path, now: datetime, **engine: str) -> None:
        self.folder, self.sources, self.now, self.engine = folder, sources, now, engine
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
        self._server = subprocess.Popen([sys.executable, str(Path(__file__).resolve())], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, cwd=ROOT, env=environment)
        self._ask(None)

    def _ask(self, order: dict[str, Any] | None) -> str:
        server = self._server
        assert server.stdin is not None
        assert server.stdout is not None
        if order is not None:
            server.stdin.write(json.dumps(order) + "\n")
            server.stdin.flush()
        answer = server.stdout.readline()
        assert answer, "the server has died"
        return answer

    def act(self, root: Path, act: str, **how: Any) -> Came:
        """`kill_at` the n-th boundary, `kill_name` at the first of that name, or `after` so many seconds; `slow` waits at each."""
        log, out = self.folder / "seen.log", self.folder / "out.log"
        out.write_bytes(b"")
        log.write_bytes(b"")
        answer = json.loads(self._ask({"root": str(root), "sources": str(self.sources), "now": self.now.isoformat(), "act": act,
                                       "log": str(log), "out": str(out), "engine": self.engine, **how}))
        return Came(answer["killed"], answer["code"], log.read_text().split(), out.read_text(errors="replace"))

    def close(self) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(timeout=60)


# -- looking --------------------------------------------------------------------------------------------------------------

def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder with its sha256."""
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*") if path.is_file()} if folder.exists() else {}


def rows(root: Path, name: str, version: int) -> list[str]:
    """The rows of a table version, as a multiset."""
    from deltalake import DeltaTable

    table = DeltaTable(str(root / "lake/tables" / name), version=version).to_pyarrow_table()
    return sorted(json.dumps(row, default=str, ensure_ascii=False, sort_keys=True) for row in table.to_pylist())


def picture(root: Path, datasets: tuple[str, ...] = (DATASET,)) -> dict[str, Any]:
    """What must be the same whether or not the program was killed on the way: no version number, no repeated preparation."""
    from pipelines.journal import CITY, Journal

    journal = Journal(root / "lake/journal")
    found: dict[str, Any] = {}
    for name in datasets:
        state = journal.state(name)
        found[name] = {
            "tables": {table: rows(root, table, version) for table, version in state.tables.items()},
            "batches": [(b.id, b.source, b.sha256, b.rows, b.order, b.body["raw"]) for b in state.batches],
            "offers": {key: body["outcome"] for key, body in state.offers.items()}, "seen": state.seen,
            "holds": {key: hold.subject for key, hold in state.holds.items()},
            "decisions": [(d.hold, d.person, d.verdict, d.until) for d in state.decisions],
            "releases": {key: [(r.id, r.hash, r.body["tier"]) for r in of] for key, of in state.releases.items()},
            "withdrawn": sorted(state.withdrawn), "published": {key: (b["shown"], b["fingerprint"]) for key, b in state.published.items()},
            "records": Counter(record.kind for record in journal.records(name) if not _repeats(record)),
        }
    registered = [record.body["tables"] for record in journal.records(CITY) if record.kind == "register"]
    found["catalog"] = {name: rows(root, name, version) for name, version in (registered[-1] if registered else {}).items() if "journal" not in name}
    site, state = root / "site", root / "state"
    found["site"] = {name: sha for name, sha in tree(site / "current").items() if name != "renderer.txt"}     # names the program's text
    found["kept"] = sorted({path.split("/", 1)[1] for path in tree(site / "generations") if "/data/" in path})
    found["beside"] = sorted(path.name for path in site.iterdir()) if site.exists() else []
    found["holding"], found["spool"] = tree(state / "holding"), sorted(path.name for path in (state / "spool").glob("*/*"))
    found["scratch"] = sorted(path.name for path in (state / "scratch").iterdir() if path.is_dir()) if (state / "scratch").exists() else []
    found["raw"] = tree(root / "lake/raw")
    released = tree(root / "lake/releases").items()         # folders are named by operations, and those by table versions
    found["releases"] = sorted((path.rsplit("/", 2)[0], path.rsplit("/", 1)[1], sha) for path, sha in released)
    return found


def _repeats(record: Any) -> bool:
    """What a second attempt may record once more: that it prepares to publish, that bytes have come before."""
    body = record.body
    return record.kind == "prepared" or (record.kind == "ingest" and bool(body["skipped"])
                                         and not any(body[key] for key in ("batches", "offers", "holds", "closed", "refused")))


def differences(want: dict[str, Any], have: dict[str, Any], at: str = "") -> list[str]:
    """Where two pictures differ, in few words."""
    if isinstance(want, dict) and isinstance(have, dict):
        return [text for key in sorted({*want, *have}, key=str) for text in differences(want.get(key), have.get(key), f"{at}/{key}")]
    return [] if want == have else [f"{at}: {str(want)[:200]} became {str(have)[:200]}"]


def torn(site: Path) -> list[str]:
    """What a reader of the portal finds broken: everything that a page names is there, whole, and is what the page says."""
    link = site / "current"
    if not link.is_symlink():
        return []
    folder = site / os.readlink(link)
    try:
        return list(_torn(folder))
    except FileNotFoundError as error:
        if folder == site / os.readlink(link):
            return [f"{Path(str(error.filename)).relative_to(site)} is missing"]
        return []           # moved on while we were reading


def _torn(folder: Path) -> Iterator[str]:
    pages = json.loads((folder / "pages.json").read_text(encoding="utf-8"))
    home = (folder / "index.html").read_text(encoding="utf-8")
    if not home.rstrip().endswith("</html>") or not (folder / "catalog.jsonld").stat().st_size:
        yield "home page"
    for name, page in pages.items():
        text = (folder / "datasets" / f"{page['page']['dataset']}.html").read_text(encoding="utf-8")
        if not text.rstrip().endswith("</html>"):
            yield f"page of {name}"
        for past in [*page["page"]["releases"], *([page["page"]] if page["shown"] == "open" else [])]:
            for file in past["files"]:
                data = (folder / "data" / name / past["release"] / file["name"]).read_bytes()
                if hashlib.sha256(data).hexdigest() != file["sha256"]:
                    yield f"{past['release']}/{file['name']}"


class Reader:
    """Polls the portal of whatever city is being killed; `faults` is what it ever found torn."""

    def __init__(self) -> None:
        self.site: Path | None = None
        self.faults: list[str] = []
        self.looks = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)

    def _poll(self) -> None:
        while not self._end.wait(0.01):
            site = self.site
            if site is None:
                continue
            try:
                found = torn(site)
            except FileNotFoundError as error:
                found = [str(error)]
            if site == self.site:       # else it was taken away under our eyes
                self.faults += found
                self.looks += 1

    @contextlib.contextmanager
    def __call__(self) -> Iterator[Reader]:
        self._thread.start()
        try:
            yield self
        finally:
            self._end.set()
            self._thread.join()


if __name__ == "__main__":
    serve()
