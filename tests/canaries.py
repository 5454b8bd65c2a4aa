"""Made-up identifiers of every kind, each unique and with a right checksum, and the search for them in all that a program writes.

`Nest` lays them and remembers where each was put; `Hunt` finds every one of them, whole or in part, in any spelling or coding that a
program could give it, in one pass over the bytes. Failures name kinds and places, never values.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import random
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ahocorasick
import pyarrow as pa
import pyarrow.parquet as pq

from privacy.checksums import ID_WEIGHTS, USCC_ALPHABET, luhn, uscc_check, vin_check

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓韩冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石"
GIVEN = "彧翀婠犇淼骁璟祎珺玥甯旻昶晟暄赟钰铭涵萱睿琪璐瑶雯婷楠娜莉倩颖薇蕾萍梅芳敏慧燕霞洁丽静怡欣悦佳思雨诗梦宁凯轩宇航博浩"
ROADS = "翠峦橘雁岚屿蓼汀鹭砚桐榆槿荻苕霁虹桥"
SEED = os.environ.get("CITYLAKE_SEED", "citylake")      # empty: new values every time
LETTERS = "GHJKLMNPQRTUWXYZ"           # none of a hexadecimal number

HEX, ALNUM = "0123456789abcdef", "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Canary:
    """One planted value: what it is, what may happen to it, and where it was put."""

    kind: str
    fate: str
    place: str
    value: str = field(repr=False)


@dataclass
class Nest:
    """Lays canaries. No value, and no part of one that is looked for, is ever laid twice."""

    chance: random.Random = field(default_factory=lambda: random.Random(SEED) if SEED else random.SystemRandom())
    laid: list[Canary] = field(default_factory=list)
    background: bytes = b""                          # what stands around them: none may look like a part of it
    _known: set[str] = field(default_factory=set)

    def lay(self, kind: str, fate: str, place: str) -> str:
        """A value of a kind (a method's name below)."""
        while True:
            value: str = getattr(self, kind)()
            parts = {value, *parts_of(kind, value)}
            if not parts & self._known and not Hunt([Canary(kind, fate, place, value)]).in_bytes(self.background):
                break
        self._known |= parts
        self.laid.append(Canary(kind, fate, place, value))
        return value

    def of(self, *fates: str) -> list[Canary]:
        return [one for one in self.laid if one.fate in fates]

    def digits(self, number: int) -> str:
        return "".join(str(self.chance.randrange(10)) for _ in range(number))

    def _any(self, marks: str, number: int = 1) -> str:
        return "".join(self.chance.choices(marks, k=number))

    def _day(self, form: str = "{:04d}{:02d}{:02d}") -> str:
        return form.format(self.chance.randrange(1950, 2006), self.chance.randrange(1, 13), self.chance.randrange(1, 29))

    def _checked(self, head: str) -> str:
        return head + "10X98765432"[sum(int(d) * w for d, w in zip(head, ID_WEIGHTS, strict=True)) % 11]

    def _tried(self, make: Callable[[], str], check: Callable[[str], bool]) -> str:
        return next(value for value in iter(make, None) if check(value))

    def resident_id(self) -> str:
        return self._checked(f"330106{self._day()}{self.digits(3)}")

    def resident_id_of_15(self) -> str:
        return f"330106{self._day()[2:]}{self.digits(3)}"

    def disability_card(self) -> str:
        return f"{self.resident_id()}{self._any('1234567')}{self._any('1234')}"

    def residence_permit(self) -> str:
        return f"ZJ{self.digits(12)}"

    def hmt_residence_permit(self) -> str:
        return self._checked(f"8{self._any('123')}0000{self._day()}{self.digits(3)}")

    def foreigner_permit(self) -> str:
        return self._checked(f"9{self.digits(5)}{self._day()}{self.digits(3)}")

    def hk_macao_permit(self) -> str:
        return f"H{self.digits(10)}"

    def taiwan_permit(self) -> str:
        return f"T{self.digits(8)}"

    def passport(self) -> str:
        return f"E{self._any(LETTERS)}{self.digits(7)}"

    def officer_card(self) -> str:
        return f"军字第{self.digits(8)}号"

    def mobile(self) -> str:
        return f"{self._any('35789').join(('1', self._any('5678')))}{self.digits(8)}"

    def landline(self) -> str:
        return f"0571-8{self.digits(7)}"

    def social_credit_code(self) -> str:
        return self._tried(lambda: f"92330106MA{self._any(USCC_ALPHABET, 8)}", uscc_check)

    def bank_card(self) -> str:
        return self._tried(lambda: f"622202{self.digits(13)}", luhn)

    def plate(self) -> str:
        return f"浙A{self._any(LETTERS)}{self.digits(3)}{self._any(LETTERS)}"

    def email(self) -> str:
        return f"k{self._any(LETTERS.lower(), 3)}{self.digits(6)}@nest{self.digits(2)}.example"

    def ip(self) -> str:
        return f"{self.chance.randrange(201, 223)}.{'.'.join(str(self.chance.randrange(100, 255)) for _ in range(3))}"

    def mac(self) -> str:
        return ":".join(f"{self.chance.randrange(160, 256):02X}" for _ in range(6))

    def imei(self) -> str:
        return self._tried(lambda: f"86{self.digits(13)}", luhn)

    def vin(self) -> str:
        return self._tried(lambda: f"LSV{self._any('ABCDEFGHJKLMNPRSTUVWXYZ', 5)}{self._any('0123456789X')}{self._any('ABCDEF')}B{self.digits(6)}",
                           vin_check)

    def url_token(self) -> str:
        return f"https://app.nest.example/p?token={self._any(LETTERS + LETTERS.lower() + '23456789', 20)}"

    def wechat(self) -> str:
        return f"wx_{self._any(LETTERS.lower(), 5)}{self.digits(4)}"

    def qq(self) -> str:
        return f"{self._any('123456789')}{self.digits(9)}"

    def social_security(self) -> str:
        return f"{self._any(LETTERS)}{self.digits(11)}"

    def coordinates(self) -> str:
        return f"120.{self.digits(7)},30.{self.digits(7)}"

    def name(self) -> str:
        return self._any(SURNAMES) + "".join(self.chance.sample(GIVEN, 2))

    def address(self) -> str:
        return f"西湖区文新街道{''.join(self.chance.sample(ROADS, 2))}路{self.chance.randrange(100, 999)}号{self.chance.randrange(1, 30)}幢" \
               f"{self.chance.randrange(1, 5)}单元{self.chance.randrange(2, 30)}0{self.chance.randrange(1, 5)}室"


KINDS = ("resident_id", "resident_id_of_15", "disability_card", "residence_permit", "hmt_residence_permit", "foreigner_permit", "hk_macao_permit",
         "taiwan_permit", "passport", "officer_card", "mobile", "landline", "social_credit_code", "bank_card", "plate", "email", "ip", "mac", "imei",
         "vin", "url_token", "wechat", "qq", "social_security", "coordinates", "name", "address")


def parts_of(kind: str, value: str) -> set[str]:
    """What of a value identifies as the whole does: the end of a number, an e-mail's first part, a token, the house in its road."""
    compact = "".join(mark for mark in value if mark.isalnum())
    found = {compact}
    if kind == "email":
        found.add(value.split("@")[0])
    elif kind == "url_token":
        found.add(value.split("=")[1])
    elif kind == "coordinates":
        found = set(value.split(","))
    elif kind == "address":
        found |= {value.removeprefix("西湖区"), value.removeprefix("西湖区文新街道")}
    elif kind == "plate":
        found.add(value[1:])
    elif kind not in ("name", "ip", "mac", "qq", "wechat"):
        found.add("".join(mark for mark in compact if mark.isascii())[-8:])
    return found - {value}


def codings(text: str) -> Iterator[tuple[str, bytes]]:
    """(how, bytes) of each way in which a text may stand in a file."""
    yield "plain", text.encode()
    for name in ("gb18030", "utf-16-le", "utf-16-be"):
        yield name, text.encode(name)
    yield "quoted", quote(text, safe="").encode()
    yield "escaped", ascii(text)[1:-1].encode()
    yield "entities", "".join(f"&#{ord(mark)};" for mark in text).encode()
    yield "entities", "".join(f"&#x{ord(mark):x};" for mark in text).encode()
    yield "hex", text.encode().hex().encode()
    for shift in range(3):
        whole = b"\0" * shift + text.encode()
        yield "base64", base64.b64encode(whole)[(0, 2, 3)[shift]:len(whole) * 8 // 6]      # characters that its neighbours do not change
    for plain in ("md5", "sha1", "sha256"):              # a hash without a key is found again by trying
        yield plain, hashlib.new(plain, text.encode()).hexdigest()[:16].encode()


@dataclass(frozen=True)
class Mark:
    """One spelling of one canary. `alone`: a short one counts only where none of these characters touches it, or every hash would tell it."""

    canary: Canary
    how: str
    alone: str


class Hunt:
    """Finds canaries in bytes, in any case of letters (Aho-Corasick: one pass for all)."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._marks: dict[str, list[Mark]] = {}
        for canary in canaries:
            for text in (canary.value, *parts_of(canary.kind, canary.value)):
                for coded, how in {coded: how for how, coded in reversed(list(codings(text)))}.items():       # the first way that has these bytes
                    if len(coded) >= 6:
                        alone = "" if how != "plain" or len(coded) > 11 or not coded.isascii() else HEX if len(coded) > 7 else ALNUM
                        self._marks.setdefault(coded.decode("latin-1").lower(), []).append(Mark(canary, how, alone))
        self._automaton = ahocorasick.Automaton()
        for key in self._marks:
            self._automaton.add_word(key, key)
        self._automaton.make_automaton()

    def __len__(self) -> int:
        return len(self._marks)

    def in_bytes(self, data: bytes) -> set[Canary]:
        text = data.decode("latin-1").lower()
        found: set[Canary] = set()
        for end, key in self._automaton.iter(text):
            around = text[max(0, end - len(key)):end - len(key) + 1], text[end + 1:end + 2]
            found |= {mark.canary for mark in self._marks[key] if not any(one and one in mark.alone for one in around)}
        return found

    def told(self, places: Iterable[tuple[str, bytes]]) -> dict[str, Counter[str]]:
        """Place → kind, fate and where the canary was put → how many; nothing where none is found."""
        found: dict[str, set[Canary]] = {}
        for place, data in places:
            if hits := self.in_bytes(data):
                found.setdefault(place, set()).update(hits)
        return {place: Counter(f"{one.kind} {one.fate} {one.place}" for one in hits) for place, hits in sorted(found.items())}


# -- where to look ------------------------------------------------------------------------------------------------------

def below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(path, bytes) of everything below a folder: names, bytes, and what is packed in them."""
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder).as_posix()
        yield place, place.encode()
        if path.is_file() and not path.is_symlink():
            yield from ((place, data) for data in unpacked(path.read_bytes()))


def unpacked(data: bytes) -> Iterator[bytes]:
    """Bytes, and what they hold when they are Parquet, an archive or workbook, gzip, SQLite or Arrow."""
    yield data
    if data[:4] == b"PAR1":
        yield from _parquet(data)
    elif data[:4] == b"PK\x03\x04":
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield archive.comment
            for name in archive.namelist():
                yield name.encode()
                yield from unpacked(archive.read(name))
    elif data[:2] == b"\x1f\x8b":
        with suppress(OSError, EOFError):
            yield from unpacked(gzip.decompress(data))
    elif data[:6] == b"SQLite":
        yield from _sqlite(data)
    elif data[:6] == b"ARROW1":
        yield str(pa.ipc.open_file(data).read_all().to_pylist()).encode()


def _parquet(data: bytes) -> Iterator[bytes]:
    with pq.ParquetFile(io.BytesIO(data)) as file:
        yield json.dumps(file.read().to_pylist(), ensure_ascii=False, default=str).encode()
        yield f"{file.schema_arrow.metadata} {file.metadata.metadata} {[field.metadata for field in file.schema_arrow]}".encode()
    for _, lowest, highest in limits_of(data):
        yield f"{lowest} {highest}".encode()


def limits_of(data: bytes) -> Iterator[tuple[str, Any, Any]]:
    """(column, minimum, maximum) of every statistic in a Parquet file's footer."""
    with pq.ParquetFile(io.BytesIO(data)) as file:
        about = file.metadata
        for group in range(about.num_row_groups):
            for at in range(about.num_columns):
                one = about.row_group(group).column(at)
                if one.statistics is not None and one.statistics.has_min_max:
                    yield one.path_in_schema, one.statistics.min, one.statistics.max


def _sqlite(data: bytes) -> Iterator[bytes]:
    with closing(sqlite3.connect(":memory:")) as base:
        base.deserialize(data[:18] + b"\1\1" + data[20:])      # a write-ahead log is a file of its own
        base.text_factory = bytes
        for (name,) in base.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            for row in base.execute(f'SELECT * FROM "{name.decode()}"'):
                for cell in row:
                    yield from unpacked(cell if isinstance(cell, bytes) else str(cell).encode())
