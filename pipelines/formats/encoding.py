"""Bytes of any accepted encoding as a stream of UTF-8, and which encoding a file is in.

A byte that does not decode becomes 0xFF, which no UTF-8 text holds: readers find the record that has it.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from catalog.errors import BadInput

Encoding = Literal["utf-8", "utf-8-sig", "gb18030", "gbk", "gb2312", "big5", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"]
CHUNK = 2**22
SAMPLE, ENOUGH = 2**16, 10_000       # bytes shown to the legacy encodings; characters that settle UTF-8
UTF8 = {"utf-8", "utf-8-sig"}
WIDER = {"gbk": "gb18030", "gb2312": "gb18030", "big5": "cp950"}     # supersets that real files need


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff", max(error.start + 1, error.end if error.encoding.startswith("utf-16") else 0)


codecs.register_error("citylake.mark", _mark)


def as_utf8(path: Path, encoding: str, chunk: int = CHUNK) -> Iterator[bytes]:
    """The file's text as UTF-8 without a byte order mark, in chunks of about `chunk` bytes."""
    raw = _raw(path, chunk)
    if encoding in UTF8:
        first = next(raw, b"")
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from raw
        return
    decoder = codecs.getincrementaldecoder(WIDER.get(encoding, encoding))("citylake.mark")
    first_text = True
    for block in raw:
        try:
            text = decoder.decode(block)
        except UnicodeError:        # what a decoder cannot even mark: UTF-16 without a byte order mark
            raise BadInput(f"The file cannot be read as {encoding}: it has no byte order mark.",
                           remedy="Declare utf-16-le or utf-16-be, or its real encoding.") from None
        if first_text and text:
            text, first_text = text.removeprefix("\ufeff"), False
        yield text.encode("utf-8", "surrogateescape")
    yield decoder.decode(b"", final=True).encode("utf-8", "surrogateescape")


def _raw(path: Path, chunk: int) -> Iterator[bytes]:
    with path.open("rb") as handle:
        while block := handle.read(chunk):
            yield block


def detect_encoding(path: Path) -> str:
    """The encoding, from the whole file. Raises BadInput when none of ours fits."""
    with path.open("rb") as handle:
        head = handle.read(2**16)
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if wide := utf16(head):
        return wide
    sample = _not_utf8(path)
    if sample is None:
        return "utf-8"
    return _legacy(sample)


def utf16(head: bytes) -> str | None:
    """UTF-16, by its mark; without one NULs (of ASCII letters) stand on one side of the pairs only, and line ends are pairs."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd, pairs = head[0::2].count(0), head[1::2].count(0), len(head) // 2
    for name, here, there in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if here > pairs * 0.05 and there <= here * 0.01:
            text = head[: pairs * 2].decode(name, "replace")
            return name if text[0] in "[{" or "\n" in text or "\r" in text else None
    return None


def _not_utf8(path: Path) -> bytes | None:
    """None when the file is UTF-8 (but for rare broken bytes), else a sample of its lines that are not ASCII."""
    decoder = codecs.getincrementaldecoder("utf-8")("citylake.mark")
    broken = wide = 0
    sample = b""
    for block in _raw(path, CHUNK):
        if block.isascii() and not decoder.getstate()[0]:
            continue
        text = decoder.decode(block)
        marks = text.count("\udcff")
        broken += marks
        wide += len(text) - marks - len(text.encode("ascii", "ignore"))
        if len(sample) < SAMPLE:
            sample += b"\n".join(line for line in block.splitlines() if not line.isascii())[:SAMPLE]
        if wide + broken > ENOUGH:
            break
    return sample if broken and wide < 4 * broken else None


def _legacy(sample: bytes) -> str:
    scores = {name: _common(sample, name) for name in ("gb18030", "big5")}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] < 0.6:
        raise BadInput("The encoding of the file is not recognised.", remedy="Declare format.encoding in the contract.")
    return best


def _common(sample: bytes, encoding: str) -> float:
    """Share of the characters beyond ASCII that are in the encoding's first plane of everyday characters."""
    low, high = (0xA1, 0xD7) if encoding == "gb18030" else (0xA1, 0xC6)
    text = sample.decode(WIDER.get(encoding, encoding), "citylake.mark")
    wide = [char for char in text if not char.isascii()]
    everyday = 0
    for char in wide:
        code = b"" if char == "\udcff" else char.encode(WIDER.get(encoding, encoding), "ignore")
        if len(code) == 2 and low <= code[0] <= high and (encoding == "big5" or code[1] >= 0xA1):
            everyday += 1
    return everyday / len(wide) if wide else 0.0


def as_text(path: Path, encoding: str) -> Iterator[str]:
    """The file's text in chunks. Raises BadInput at a byte that does not decode."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        for chunk in as_utf8(path, encoding):
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise BadInput("The text does not decode in its encoding.", remedy="Declare format.encoding, or ask for a sound file.") from None
