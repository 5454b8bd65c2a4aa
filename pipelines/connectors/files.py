"""The `files` connector: one file, a glob, or a folder of dated drops below the system's root; archives or plain."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from catalog.errors import BadInput
from catalog.extension import Strict
from pipelines.connectors import Fetched, Offer, Unsettled
from pipelines.connectors.archives import Limits, hidden
from pipelines.connectors.times import PLACE, TimeOf, glob_regex, parse, placed, reader, time_regex


class FileOptions(Strict):
    """What a contract says under `options:` of a source with `connector: files`."""

    path: Annotated[str, Field(min_length=1, description="A file, a glob or a folder below the system's root; `{time}` marks the time")]
    member: str | None = Field(default=None, description="Which files inside archives: a glob; `{time}` marks the time")
    time_format: str | None = Field(default=None, description="How the drop's time stands in its name, such as %Y%m%dT%H%M%SZ")
    time_pattern: str | None = Field(default=None, description="A regular expression that finds the time in the name")
    zone: str | None = Field(default=None, description="Zone of times without one; else the city's")
    settle_seconds: Annotated[int, Field(ge=0)] = Field(default=0, description="A younger file is left for the next run")
    max_bytes: Annotated[int, Field(ge=1)] = Limits.max_bytes
    max_ratio: Annotated[float, Field(ge=1)] = Limits.max_ratio
    max_members: Annotated[int, Field(ge=1)] = Limits.max_members
    window_log: Annotated[int, Field(ge=10, le=31)] = Limits.window_log

    @field_validator("path", "member")
    @classmethod
    def _relative(cls, text: str | None) -> str | None:
        if text is not None and (text.startswith("/") or ".." in text.split("/") or "\\" in text or text.count(PLACE) > 1):
            raise ValueError("must be a relative path with / between names")
        return text

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str | None) -> str | None:
        if zone is not None:
            try:
                ZoneInfo(zone)
            except (KeyError, OSError) as error:
                raise ValueError("is not an IANA zone") from error
        return zone

    @model_validator(mode="after")
    def _times(self) -> FileOptions:
        if self.time_format is not None:
            time_regex(self.time_format)
        elif self.time_pattern is not None or PLACE in self.path or PLACE in (self.member or ""):
            raise ValueError("time_format is missing")
        if self.time_pattern is not None:
            try:
                many = re.compile(self.time_pattern).groups > 1
            except re.error as error:
                raise ValueError("time_pattern is not a regular expression") from error
            if many:
                raise ValueError("time_pattern has more than one group")
        return self


class Files:
    """Files below `root`. Links may not leave it; hidden and temporary names are not drops."""

    name: ClassVar[str] = "files"
    Options: ClassVar[type[FileOptions]] = FileOptions

    def __init__(self, options: FileOptions, root: Path, zone: str = "UTC") -> None:
        self.options, self.root, self.zone = options, root, options.zone or zone
        self._readers = self._times()

    @property
    def timed(self) -> bool:
        return self.options.time_format is not None

    def time_of(self, name: str) -> datetime | None:
        return next((found for read in self._readers if (found := read(name))), None)

    def _times(self) -> list[TimeOf]:
        form = self.options.time_format
        if form is None:
            return []
        marked = [pattern for pattern in (self.options.path, self.options.member) if pattern and PLACE in pattern]
        if not marked:
            return [reader(form, self.options.time_pattern, self.zone)]
        zone = "UTC" if form.endswith("Z") else self.zone
        return [lambda name, regex=placed(pattern, form): (      # type: ignore[misc]
            parse(found[1], form, zone) if (found := regex.fullmatch(name)) else None) for pattern in marked]

    def offers(self) -> Iterator[Offer]:
        try:
            if not self.root.is_dir():
                raise BadInput("The folder of the source system is not there.", remedy="See that it is mounted, and CITYLAKE_SOURCES.")
            found = [offer for path in set(self._paths()) if (offer := self._offer(path))]
        except OSError:
            raise BadInput("The folder of the source system cannot be listed.", remedy="See that it may be read.") from None
        earliest = datetime.min.replace(tzinfo=UTC)
        yield from sorted(found, key=lambda offer: (offer.time or earliest, offer.key))

    def _paths(self) -> Iterator[Path]:
        pattern = self.options.path.replace(PLACE, "*")
        if not re.search(r"[*?]", pattern):
            path = self.root / pattern
            yield from path.rglob("*") if path.is_dir() else [path] if os.path.lexists(path) else []
        else:
            yield from self.root.glob(pattern.replace("[", "[[]") + ("/*" if pattern.endswith("**") else ""))

    def _offer(self, path: Path) -> Offer | None:
        key = path.relative_to(self.root).as_posix()
        if hidden("/".join(part for part in key.split("/") if part not in self.options.path.split("/"))) or self._of_others(key):
            return None
        try:
            seen = path.stat() if self._inside(path) else path.lstat()
        except OSError:
            seen = path.lstat()             # a link to nothing or to itself: offered, and held when it cannot be fetched
        if stat.S_ISDIR(seen.st_mode) or 0 <= time.time() - seen.st_mtime < self.options.settle_seconds:
            return None
        return Offer(key, _fingerprint(seen), self.time_of(key))

    def _of_others(self, key: str) -> bool:
        """Whether a name has no digit where `{time}` stands: a file of another dataset. One with digits that are no time is held."""
        if PLACE not in self.options.path:
            return False
        found = re.fullmatch("(.*)".join(glob_regex(part) for part in self.options.path.split(PLACE)), key)
        return found is not None and not re.search(r"\d", found[1])

    def _inside(self, path: Path) -> bool:
        return _real(path).is_relative_to(_real(self.root))

    def fetch(self, offer: Offer, folder: Path) -> Fetched:
        finished = _finished(offer, folder)
        if finished:
            return finished
        path = self.root / offer.key
        if not self._inside(path):
            raise BadInput("A link at the source leaves the folder of its system.", remedy="Put the file itself there.")
        try:
            with open(os.open(_real(path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as reader_:
                return _copied(offer, reader_, folder)
        except FileNotFoundError:
            raise Unsettled("A file has gone from the source since it was listed.", remedy="Run again.") from None
        except OSError:
            raise BadInput("A file of the source cannot be read.", remedy="See that it may be read.") from None

    def label(self, offer: Offer) -> str | None:
        if re.search(r"[*?]", self.options.path):
            return None
        if PLACE in self.options.path and self.options.time_format:
            return offer.key if placed(self.options.path, self.options.time_format).fullmatch(offer.key) else None
        return offer.key if offer.key == self.options.path else None

    def unpacking(self) -> dict[str, Any]:
        options, wanted = self.options, None
        if options.member is not None:
            wanted = re.compile(glob_regex(options.member.replace(PLACE, "*"))).fullmatch
        return {"wanted": wanted, "time_of": self.time_of if self.timed else None,
                "limits": Limits(options.max_bytes, options.max_ratio, options.max_members, options.window_log)}


def _real(path: Path) -> Path:
    """Without links; unlike Path.resolve it does not fail on one that leads to itself."""
    return Path(os.path.realpath(path))


def _fingerprint(seen: os.stat_result) -> str:
    return f"{seen.st_size}-{seen.st_mtime_ns}-{seen.st_ino}"


def _finished(offer: Offer, folder: Path) -> Fetched | None:
    """What an interrupted run has fetched already, if the drop is still the same."""
    try:
        mark = json.loads((folder / "fetched.json").read_text(encoding="utf-8"))
        payload = folder / "payload"
        if mark["fingerprint"] == offer.fingerprint and payload.stat().st_size == mark["size"]:
            return Fetched(payload, offer.key, mark["sha256"], mark["size"])
    except (OSError, ValueError, KeyError):
        pass
    return None


def _copied(offer: Offer, source: Any, folder: Path) -> Fetched:
    before = os.fstat(source.fileno())
    if not stat.S_ISREG(before.st_mode):
        raise BadInput("Something at the source is not a plain file.", remedy="Put a plain file there.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "fetched.json").unlink(missing_ok=True)
    hashed, size = hashlib.sha256(), 0
    with _private(folder / "payload.part") as writer:
        while block := source.read(2**20):
            hashed.update(block)
            size += len(block)
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    after = os.fstat(source.fileno())
    if not _fingerprint(before) == _fingerprint(after) == offer.fingerprint or size != before.st_size:
        raise Unsettled("A file changes while it is read.", remedy="Run again when it is finished; see the option settle_seconds.")
    (folder / "payload.part").replace(folder / "payload")
    fetched = Fetched(folder / "payload", offer.key, hashed.hexdigest(), size)
    with _private(folder / "fetched.json.part") as writer:
        writer.write(json.dumps({"fingerprint": offer.fingerprint, "sha256": fetched.sha256, "size": size}).encode())
        writer.flush()
        os.fsync(writer.fileno())
    (folder / "fetched.json.part").replace(folder / "fetched.json")
    return fetched


def _private(path: Path) -> Any:
    return open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb")
