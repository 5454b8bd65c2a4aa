"""Archives: zip, gz, zst and tar (plain or inside gz and zst), told by their first bytes and unpacked under guards.

Members are streamed into numbered files, so that no name inside an archive ever becomes a path. What looks like an
attack (links, `..`, nested archives, too much) and what is broken or encrypted raises BadInput; no name is in its text.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, cast

from catalog.errors import BadInput
from pipelines.connectors.streams import GZIP, ZSTD, opened, peek

MIB = 2**20
_FREE = 10 * MIB                                  # small archives may have any ratio
_OFFICE = ("[Content_Types].xml", "mimetype")     # xlsx and ods are zips, but files to us
TEMPORARY = re.compile(r"[.~].*|.*(?:~|\.part|\.tmp|\.filepart|\.crdownload)|Thumbs\.db|desktop\.ini|__MACOSX", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold. `ratio` is uncompressed to compressed bytes, above the first 10 MiB; window in log2."""

    max_bytes: int = 4 * 2**30
    max_ratio: float = 200
    max_members: int = 100_000
    window_log: int = 27


@dataclass(frozen=True)
class Member:
    """A file out of an archive: where it lies now, its name inside (as private as a file name), the time of its name, and what the
    archive says beside its files: comments, and names that nobody asked for.
    """

    path: Path
    name: str
    time: datetime | None
    around: str = ""


def hidden(name: str) -> bool:
    """Whether any part of a path is a hidden or temporary name, or what a desktop leaves behind."""
    return any(TEMPORARY.fullmatch(part) for part in name.split("/"))


def is_archive(path: Path) -> bool:
    """By its first bytes, whatever it is called. Workbooks, which are zips inside, are not archives."""
    head = peek(path, 265)
    if head.startswith((GZIP, ZSTD)) or _is_tar(head):
        return True
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06")) and not _is_workbook(path)


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name in archive.NameToInfo for name in _OFFICE)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def unpack(
    path: Path, folder: Path, *, name: str = "", wanted: Callable[[str], bool] | None = None,
    time_of: Callable[[str], datetime | None] | None = None, limits: Limits | None = None,
) -> Iterator[Member]:
    """The wanted files of an archive, in order of time, then name; all are on disk before the first is handed out.

    `name` is the archive's own name, from which a gz or zst of one file takes its member's. `wanted` chooses by the name
    inside. Raises BadInput for a broken, encrypted, nested, oversized or hostile archive, and for one without such a file.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    with _mapped():
        sink = _Sink(folder, max(path.stat().st_size, 1), limits or Limits(), wanted or (lambda _: True))
        _extract(path, name, sink)
    around = "\n".join(filter(None, [*sink.said, *sink.others]))
    members = [Member(file, inner, time_of(inner) if time_of else None, around) for inner, file in sink.files.items()]
    if not members:
        raise _bad("An archive holds no file that the contract asks for.", "See the option member of the source.")
    earliest = datetime.min.replace(tzinfo=UTC)
    yield from sorted(members, key=lambda item: (item.time or earliest, item.name))


def _extract(path: Path, name: str, sink: _Sink) -> None:
    head = peek(path, 265)
    if head.startswith(b"PK"):
        _unzip(path, sink)
    elif _is_tar(head):
        with path.open("rb") as stream:
            _untar(stream, sink)
    else:
        with opened(path, sink.limits.window_log) as stream:
            first = stream.read(265)
            whole = cast(IO[bytes], _Rejoined(first, stream))
            if _is_tar(first):
                _untar(whole, sink)
            else:
                sink.count()
                sink.said += _gzip_names(path)
                sink.take(_single(name), whole)


def _single(name: str) -> str:
    """The member of a gz or zst that holds one file: the archive's own name without its last suffix."""
    inner = PurePosixPath(name).name
    return re.sub(r"\.(?:gz|gzip|zst|zstd)$", "", inner, flags=re.IGNORECASE) or "content"


@dataclass
class _Sink:
    """Where members go, and the guards over them all."""

    folder: Path
    packed: int
    limits: Limits
    wanted: Callable[[str], bool]
    files: dict[str, Path] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    entries: int = 0
    size: int = 0

    def count(self) -> None:
        self.entries += 1
        if self.entries > self.limits.max_members:
            raise _bad("An archive has more members than allowed.", "See the option max_members of the source.")

    def grow(self, size: int) -> None:
        self.size += size
        if self.size > self.limits.max_bytes:
            raise _bad("An archive holds more bytes than allowed.", "See the option max_bytes of the source.")
        if self.size > max(_FREE, self.packed * self.limits.max_ratio):
            raise _bad("An archive is packed more tightly than allowed.", "See the option max_ratio of the source.")

    def take(self, name: str, stream: IO[bytes]) -> None:
        """Writes one file, unless nobody asked for it; its bytes are counted all the same."""
        keep = not hidden(name) and self.wanted(name)
        if name in self.files:
            raise _bad("An archive holds two files of the same name.", "Ask for an archive with one of them.")
        path = self.folder / f"{self.entries:06d}"
        target = path if keep else Path(os.devnull)
        with open(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as writer:
            while block := stream.read(MIB):
                self.grow(len(block))
                writer.write(block)
        if keep:
            if is_archive(path):
                raise _bad("An archive lies inside another archive.", "Ask for one that is not nested.")
            self.files[name] = path
        else:
            self.others.append(name)


def _unzip(path: Path, sink: _Sink) -> None:
    with zipfile.ZipFile(path) as archive:
        sink.said.append(_decoded(archive.comment))
        for info in archive.infolist():
            sink.count()
            sink.said.append(_decoded(info.comment))
            name = _safe(_zip_name(info))
            mode = info.external_attr >> 16
            if info.flag_bits & 0x1:
                raise _bad("An archive is encrypted.", "Ask the department for one without a password.")
            if info.is_dir() or name.endswith("/"):
                sink.others.append(name)
                continue
            if mode & 0o170000 not in (0, 0o100000):
                raise _bad("An archive holds a link or a device.", "Ask for one with plain files only.")
            with archive.open(info) as stream:
                sink.take(name, stream)


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Names without the UTF-8 flag are in whatever the writer's system used; here that is UTF-8 or GB18030."""
    if info.flag_bits & 0x800:
        return info.filename
    return _decoded(info.orig_filename.encode("cp437", "replace"), info.filename)


def _decoded(raw: bytes, other: str = "") -> str:
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return other


def _gzip_names(path: Path) -> list[str]:
    """The name and the comment in the head of a gz file (RFC 1952)."""
    head = peek(path, 2**16)
    if not head.startswith(GZIP):
        return []
    at = 12 + int.from_bytes(head[10:12], "little") if head[3] & 4 else 10
    texts = head[at:].split(b"\0", 2)[:bool(head[3] & 8) + bool(head[3] & 16)]
    return [_decoded(text) for text in texts]


def _untar(stream: IO[bytes], sink: _Sink) -> None:
    guarded = _Headers(stream)
    with tarfile.open(fileobj=cast(IO[bytes], guarded), mode="r|", errorlevel=2) as archive:
        for info in archive:
            sink.count()
            sink.said += [text for key, text in info.pax_headers.items() if key not in ("path", "mtime", "atime", "ctime", "size")]
            name = _safe(info.name)
            if info.isdir():
                sink.others.append(name)
                guarded.budget = _Headers.LIMIT
                continue
            if not info.isreg() or info.issparse():
                raise _bad("An archive holds a link, a device or a sparse file.", "Ask for one with plain files only.")
            content = archive.extractfile(info)
            assert content is not None
            guarded.budget = None
            sink.take(name, content)
            guarded.budget = _Headers.LIMIT


def _safe(name: str) -> str:
    """A name inside an archive with `/` between its parts. Raises BadInput for one that leaves it, or that hides something."""
    plain = name.replace("\\", "/")
    while plain.startswith("./"):
        plain = plain[2:]
    parts = plain.split("/")
    if plain.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", plain) or re.search(r"[\x00-\x1f\x7f]", plain):
        raise _bad("An archive holds a name that leaves its folder, or a control character.", "Ask for one with plain relative names.")
    return plain


class _Headers(io.RawIOBase):
    """A stream whose bytes outside of members are few: a header may not grow without end in memory."""

    LIMIT = MIB

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.budget: int | None = self.LIMIT

    def read(self, size: int = -1) -> bytes:
        block = self.stream.read(size)
        if self.budget is not None:
            self.budget -= len(block)
            if self.budget < 0:
                raise _bad("An archive has headers without end.", "Ask for one made by a common tool.")
        return block


class _Rejoined(io.RawIOBase):
    """A stream whose first bytes have been looked at already."""

    def __init__(self, first: bytes, rest: IO[bytes]) -> None:
        self.first, self.rest = first, rest

    def read(self, size: int = -1) -> bytes:
        if self.first:
            block, self.first = (self.first[:size], self.first[size:]) if size >= 0 else (self.first, b"")
            return block
        return self.rest.read(size)


@contextmanager
def _mapped() -> Iterator[None]:
    """Foreign errors quote names: all become one of ours."""
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise _bad("An archive is broken.", "Ask for the file again; compare its size and checksum.") from None


def _bad(message: str, remedy: str) -> BadInput:
    return BadInput(message, remedy=remedy)
