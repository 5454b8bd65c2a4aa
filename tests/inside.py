"""The inside of a portal stack, for tests that look for words: every byte that PostgreSQL, Redis, Solr, CKAN and their logs keep.

Each function gives (place, bytes); what is packed is unpacked. Places are told apart, words are not shown.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import urllib.request
import zlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stacking import DIRECT, PortalStack

DATABASES = ("ckan", "datastore")
Found = Iterator[tuple[str, bytes]]


def state_of(stack: PortalStack) -> dict[str, Any]:
    """Ports and passwords of the parts."""
    found: dict[str, Any] = json.loads((stack.root / "state.json").read_text(encoding="utf-8"))
    return found


def _postgres(stack: PortalStack, program: str, *words: str) -> bytes:
    """What a program of PostgreSQL prints, as the superuser."""
    state = state_of(stack)
    home = Path(state["postgres"]) / "data"
    folder = Path("/usr/lib/postgresql") / (home / "PG_VERSION").read_text().strip() / "bin"
    argv = [str(folder / program if folder.is_dir() else program), "-h", "127.0.0.1", "-p", str(state["ports"]["postgres"]), "-U", "postgres", *words]
    ran = subprocess.run(argv, capture_output=True, check=False, timeout=60,
                         env={**os.environ, "PGPASSWORD": state["passwords"]["postgres"], "LC_ALL": "C.UTF-8"})
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout


def query(stack: PortalStack, database: str, statement: str) -> bytes:
    """The answer to a statement, as the superuser."""
    return _postgres(stack, "psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement)


def dumped(stack: PortalStack) -> Found:
    """Both databases as pg_dump writes them, and what the planner knows of their values."""
    for database in DATABASES:
        yield f"pg_dump {database}", _postgres(stack, "pg_dump", "-d", database)
        for table in ("pg_statistic", "pg_stats", "pg_statistic_ext_data", "pg_description"):
            yield f"{table} {database}", query(stack, database, f"SELECT * FROM {table}")


def on_disk(stack: PortalStack, folder: str = "base") -> Found:
    """The files of the cluster below a folder of its, after a checkpoint has written and unlinked everything."""
    query(stack, "postgres", "CHECKPOINT")
    data = Path(state_of(stack)["postgres"]) / "data"
    yield from ((f"disk {path.relative_to(data)}", text) for path, text in _files(data / folder))


def kept(stack: PortalStack) -> Found:
    """Everything below the stack's root: file store, incoming, sessions, caches, Redis's and Solr's files, logs of every part."""
    places = ((path.relative_to(stack.root), text) for path, text in _files(stack.root))
    yield from ((place.as_posix(), text) for place, text in places if place.parts[0] != "postgres")      # the cluster: on_disk


def _files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file():
                yield path, path.name.encode() + b"\n" + path.read_bytes()
        except FileNotFoundError:       # a log that was turned, a segment that was merged
            continue


def redis(stack: PortalStack) -> Found:
    """Every key with its value; jobs are packed."""
    for key in _redis(stack, "--scan").split(b"\n"):
        if key:
            for ask in (("GET",), ("HGETALL",), ("LRANGE", "0", "-1"), ("SMEMBERS",), ("ZRANGE", "0", "-1")):
                answer = _redis(stack, "--raw", ask[0], key.decode(), *ask[1:])
                if not answer.startswith(b"WRONGTYPE"):
                    yield "redis " + key.decode()[:24], key + answer + b"".join(_unpacked(answer))


def _redis(stack: PortalStack, *words: str) -> bytes:
    state = state_of(stack)
    ran = subprocess.run(["redis-cli", "-p", str(state["ports"]["redis"]), "--no-auth-warning", *words], capture_output=True, check=False, timeout=30,
                         env={**os.environ, "REDISCLI_AUTH": state["passwords"]["redis"]})
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout


def _unpacked(data: bytes) -> Iterator[bytes]:
    at = data.find(b"\x78\x9c")
    while at >= 0:
        try:
            yield zlib.decompressobj().decompress(data[at:])
        except zlib.error:
            pass
        at = data.find(b"\x78\x9c", at + 1)


def solr(stack: PortalStack, words: Collection[str]) -> Found:
    """All stored fields of all documents, and for each word's beginning whether any field of a document holds it, as the index's terms know."""
    everything = solr_ask(stack, "select?q=*:*&rows=100000&fl=*")
    yield "solr stored", everything
    fields = {name for document in json.loads(everything)["response"]["docs"] for name in document} | {"text"}
    named = [f for f in fields if f not in ("_version_", "indexed_ts") and not f.endswith(("_date", "_created", "_modified"))]
    for word in words:
        asked = " OR ".join(f"{name}:{word}*" if word.isascii() else f'{name}:"{word}"' for name in sorted(named))
        number = json.loads(solr_ask(stack, "select", f"q={quote(asked)}&rows=0&wt=json"))["response"]["numFound"]
        yield f"solr terms ({number})", word.encode() if number else b""


def solr_ask(stack: PortalStack, path: str, body: str | None = None) -> bytes:
    """What Solr's core answers."""
    state = state_of(stack)
    login = base64.b64encode(f"ckan:{state['passwords']['solr']}".encode()).decode()
    request = urllib.request.Request(f"http://127.0.0.1:{state['ports']['solr']}/solr/ckan/{path}", data=body.encode() if body else None,
                                     headers={"Authorization": f"Basic {login}", "Content-Type": "application/x-www-form-urlencoded"})
    with DIRECT.open(request, timeout=60) as answer:
        found: bytes = answer.read()
        return found


def where(found: Iterable[tuple[str, bytes]], words: Collection[str]) -> list[str]:
    """The places in which one of the words stands, in any spelling that a program could give it."""
    spellings = {spelling for word in words for spelling in (
        word.encode(), word.encode("utf-16-le"), ascii(word)[1:-1].encode(), word.encode("gb18030"), quote(word).encode())}
    return sorted({place for place, text in found if any(spelling in text for spelling in spellings)})
