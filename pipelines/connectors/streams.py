"""Compressed bytes as a plain stream: gzip and zstandard, in bounded memory, and never silently cut short."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import zstandard

from catalog.errors import BadInput

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_INPUT = 2048       # a zstd block of 4 bytes may hold 128 KiB: so many bytes in are at most 64 MiB out


def peek(path: Path, size: int) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as stream:
        return stream.read(size)


@contextmanager
def opened(path: Path, window_log: int) -> Iterator[IO[bytes]]:
    """The decompressed bytes of a gz or zst file."""
    with path.open("rb") as raw:
        if peek(path, 2) == GZIP:
            with gzip.GzipFile(fileobj=raw) as stream:
                yield cast(IO[bytes], stream)
        else:
            yield io.BufferedReader(_Zstd(raw, window_log), 2**16)


class _Zstd(io.RawIOBase):
    """Frames one after another. zstandard's own reader takes a file that ends too early for a short one; this does not."""

    def __init__(self, raw: IO[bytes], window_log: int) -> None:
        self.raw = raw
        self.make = zstandard.ZstdDecompressor(max_window_size=2**window_log)
        self.frame = self.make.decompressobj()
        self.inside, self.ready, self.at = False, b"", 0

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:     # type: ignore[override]
        while self.at >= len(self.ready):
            block = self.raw.read(_INPUT)
            if not block:
                if self.inside:
                    raise EOFError
                return 0
            self.ready, self.at = self._more(block), 0
        size = min(len(target), len(self.ready) - self.at)
        target[:size] = self.ready[self.at:self.at + size]
        self.at += size
        return size

    def _more(self, block: bytes) -> bytes:
        found = []
        while block:
            try:
                found.append(self.frame.decompress(block))
            except zstandard.ZstdError:
                raise BadInput("A zstandard file is broken, or its window is larger than allowed.",
                               remedy="Ask for it again, or see the option window_log of the source.") from None
            self.inside, block = not self.frame.eof, b""
            if self.frame.eof:
                block, self.frame = self.frame.unused_data, self.make.decompressobj()
        return b"".join(found)
