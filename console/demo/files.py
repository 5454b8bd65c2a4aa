"""Writing source files: the same bytes for the same content, in the forms in which departments deliver."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from console.demo.draw import Text

Columns = Mapping[str, Text | Sequence[object]]


class Sources:
    """One source system's folder. Every file gets the time of the drop, not of the writing."""

    def __init__(self, root: Path, now: datetime) -> None:
        self.root, self.now = root, now

    def bytes(self, path: str, content: bytes) -> None:
        """Writes a file beside its place and moves it there, so that nobody reads half of it."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.part")
        temporary.write_bytes(content)
        os.utime(temporary, (self.now.timestamp(),) * 2)
        temporary.replace(target)

    def csv(self, path: str, lines: Sequence[str], encoding: str = "utf-8-sig", end: str = "\n") -> None:
        """Writes lines of CSV text."""
        self.bytes(path, (end.join(lines) + end).encode(encoding))


def csv_lines(columns: Columns, delimiter: str = ",") -> list[str]:
    """The header and one line a row, quoted where needed. A value may hold a line break."""
    arrays = [_quoted(pa.array(list(values), pa.string()), delimiter) for values in columns.values()]
    return [delimiter.join(columns), *pc.binary_join_element_wise(*arrays, delimiter).to_pylist()]


def _quoted(values: pa.StringArray, delimiter: str) -> pa.StringArray:
    values = pc.fill_null(values, "")
    special = pc.match_substring_regex(values, rf'["\r\n{delimiter}]')
    if not pc.any(special).as_py():
        return values
    doubled = pc.replace_substring(values, '"', '""')
    return pc.if_else(special, pc.binary_join_element_wise('"', doubled, '"', ""), values)
