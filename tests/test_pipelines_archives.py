"""Archives: every kind in order of time, and every trick refused with an error that names nothing from inside."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.errors import BadInput
from pipelines.connectors.archives import Limits, Member, hidden, is_archive, unpack
from pipelines.connectors.times import reader

CSV = "id,name\n1,甲\n"
NAMES = st.from_regex(r"[a-z0-9一-龥][a-z0-9一-龥 ._-]{0,20}(/[a-z0-9一-龥]{1,10}){0,2}", fullmatch=True)
Files = dict[str, bytes]


def zipped(files: Files) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def tarred(files: Files, edit: Callable[[tarfile.TarInfo], None] | None = None, form: int = tarfile.PAX_FORMAT) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=form) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            if edit:
                edit(info)
            archive.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return target.getvalue()


def zst(data: bytes, **options: int) -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, **options)
    return zstandard.ZstdCompressor(compression_params=parameters).compress(data)


WRAPS: dict[str, Callable[[Files], bytes]] = {
    "zip": zipped,
    "tar": tarred,
    "tar gnu": lambda files: tarred(files, form=tarfile.GNU_FORMAT),
    "tar.gz": lambda files: gzip.compress(tarred(files)),
    "tar.zst": lambda files: zst(tarred(files)),
}


def put(folder: Path, data: bytes, name: str = "archive") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def out(folder: Path, data: bytes, **options: object) -> list[Member]:
    return list(unpack(put(folder, data), folder / "members", **options))   # type: ignore[arg-type]


def read(members: list[Member]) -> Files:
    return {member.name: member.path.read_bytes() for member in members}


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_every_kind_gives_back_what_was_put_in(wrap: Callable[[Files], bytes], tmp_path: Path) -> None:
    files = {"b.csv": CSV.encode(), "目录/张三.csv": b"x", "empty.csv": b"", "a/" + "长" * 60 + ".csv": b"y" * 100_000}
    data = wrap(files)
    assert is_archive(put(tmp_path, data))
    members = out(tmp_path, data)
    assert read(members) == files
    assert [member.name for member in members] == sorted(files)
    assert all(stat.S_IMODE(member.path.stat().st_mode) == 0o600 for member in members)


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_members_come_in_order_of_time_then_name(wrap: Callable[[Files], bytes], tmp_path: Path) -> None:
    names = ["x/20200216T091347Z_b.csv", "x/20200131T000000Z_z.csv", "x/20200216T091347Z_a.csv", "x/20200201T000000Z_c.csv"]
    members = out(tmp_path, wrap({name: name.encode() for name in names}), time_of=reader("%Y%m%dT%H%M%SZ", None, "UTC"))
    assert [member.name for member in members] == [names[1], names[3], names[2], names[0]]
    assert members[0].time is not None
    assert members[0].time.isoformat() == "2020-01-31T00:00:00+00:00"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.dictionaries(NAMES, st.binary(max_size=3000), min_size=1, max_size=6), wrap=st.sampled_from(sorted(WRAPS)))
def test_any_names_and_bytes(files: Files, wrap: str, tmp_path: Path) -> None:
    files = {name: b"-" + data for name, data in files.items()}       # never an archive by chance
    wanted = {name: data for name, data in files.items() if not hidden(name)}
    if not wanted:
        return
    assert read(out(tmp_path, WRAPS[wrap](files))) == wanted


@pytest.mark.parametrize("name", ["drops/day.csv.gz", "drops/day.csv.GZ"])
def test_gz_of_one_file_is_called_like_the_archive(name: str, tmp_path: Path) -> None:
    data = gzip.compress(CSV.encode()[:5]) + gzip.compress(CSV.encode()[5:])      # two gzip members are one file
    assert read(out(tmp_path, data, name=name)) == {"day.csv": CSV.encode()}


def test_zst_of_several_frames_and_a_skippable_one(tmp_path: Path) -> None:
    skip = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"
    data = zst(b"one,") + skip + zst(b"two")
    assert read(out(tmp_path, data, name="a.csv.zst")) == {"a.csv": b"one,two"}


def test_zst_with_a_long_window(tmp_path: Path) -> None:
    noise = os.urandom(5 * 2**20)
    data = zst(tarred({"a.csv": noise, "b.csv": bytes(2**20) + noise}), window_log=27, enable_ldm=1)
    assert read(out(tmp_path, data))["b.csv"].endswith(noise)
    with pytest.raises(BadInput, match="window"):
        out(tmp_path, data, limits=Limits(window_log=20))


def test_workbooks_are_not_archives(tmp_path: Path) -> None:
    assert not is_archive(put(tmp_path, zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b""})))
    assert not is_archive(put(tmp_path, zipped({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"})))
    assert not is_archive(put(tmp_path, CSV.encode()))
    assert not is_archive(put(tmp_path, b""))
    assert not is_archive(put(tmp_path, b"PK is a word"))


def test_chinese_names_of_old_windows_zips(tmp_path: Path) -> None:
    data = zipped({"AAAA.csv": b"1"}).replace(b"AAAA.csv", "街道".encode("gb18030") + b".csv")
    assert read(out(tmp_path, data)) == {"街道.csv": b"1"}


def test_member_choice_and_what_desktops_leave_behind(tmp_path: Path) -> None:
    files = {"a/1.csv": b"1", "a/2.json": b"2", "__MACOSX/a/._1.csv": b"x", "a/.DS_Store": b"x", "a/~$1.csv": b"x", "a/1.csv.part": b"x"}
    assert read(out(tmp_path, zipped(files), wanted=lambda name: name.endswith(".csv"))) == {"a/1.csv": b"1"}
    assert read(out(tmp_path, zipped(files))) == {"a/1.csv": b"1", "a/2.json": b"2"}


def _link(kind: bytes) -> Callable[[tarfile.TarInfo], None]:
    def edit(info: tarfile.TarInfo) -> None:
        info.type, info.linkname, info.size = kind, "../../secret", 0
    return edit


def _zip_link() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        info = zipfile.ZipInfo("passwd-link.csv")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "../../secret")
    return target.getvalue()


def _encrypted() -> bytes:
    data = bytearray(zipped({"secret-name.csv": CSV.encode()}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    return bytes(data)


def _twice() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for text in (b"one", b"two"):
            info = tarfile.TarInfo("secret-name.csv")
            info.size = 3
            archive.addfile(info, io.BytesIO(text))
    return target.getvalue()


def _directory(at: int, by: bytes) -> bytes:
    """A zip whose directory says something else than its content: its sum (16), or how long it is (24)."""
    data = bytearray(zipped({"secret-name.csv": b"a" * 5000}))
    at += data.index(b"PK\x01\x02")
    data[at:at + 4] = by
    return bytes(data)


BAD: dict[str, Callable[[], bytes]] = {
    "zip slip": lambda: zipped({"../secret-name.csv": b"x"}),
    "zip slip inside": lambda: zipped({"a/../../secret-name.csv": b"x"}),
    "zip absolute": lambda: zipped({"/etc/secret-name.csv": b"x"}),
    "zip backslash": lambda: zipped({"..\\secret-name.csv": b"x"}),
    "zip drive": lambda: zipped({"C:/secret-name.csv": b"x"}),
    "zip control": lambda: zipped({"secret-name\x1b[2J.csv": b"x"}),
    "zip link": _zip_link,
    "zip encrypted": _encrypted,
    "zip broken": lambda: zipped({"secret-name.csv": CSV.encode() * 99})[:60],
    "zip lying": lambda: _directory(24, b"\1\0\0\0"),
    "zip bad sum": lambda: _directory(16, b"sums"),
    "zip nothing": lambda: zipped({}),
    "tar slip": lambda: tarred({"../secret-name.csv": b"x"}),
    "tar absolute": lambda: tarred({"/secret-name.csv": b"x"}),
    "tar symlink": lambda: tarred({"secret-name.csv": b""}, _link(tarfile.SYMTYPE)),
    "tar hard link": lambda: tarred({"secret-name.csv": b""}, _link(tarfile.LNKTYPE)),
    "tar device": lambda: tarred({"secret-name.csv": b""}, _link(tarfile.CHRTYPE)),
    "tar block": lambda: tarred({"secret-name.csv": b""}, _link(tarfile.BLKTYPE)),
    "tar pipe": lambda: tarred({"secret-name.csv": b""}, _link(tarfile.FIFOTYPE)),
    "tar truncated": lambda: tarred({"secret-name.csv": b"x" * 5000})[:2000],
    "tar twice": _twice,
    "gz truncated": lambda: gzip.compress(os.urandom(9000))[:-20],
    "gz garbage after": lambda: gzip.compress(CSV.encode()) + b"garbage",
    "gz bad sum": lambda: gzip.compress(CSV.encode())[:-8] + b"\x00" * 8,
    "zst truncated": lambda: zst(os.urandom(9000))[:-20],
    "zst garbage after": lambda: zst(CSV.encode()) + b"garbage",
    "tar.zst truncated": lambda: zst(tarred({"secret-name.csv": os.urandom(90_000)}))[:-20_000],
    "nested zip": lambda: zipped({"secret-name.zip": zipped({"a.csv": b"x"})}),
    "nested gz": lambda: tarred({"secret-name.csv.gz": gzip.compress(b"x")}),
    "nested tar": lambda: zipped({"secret-name.tar": tarred({"a.csv": b"x"})}),
    "gz of zip": lambda: gzip.compress(zipped({"a.csv": b"x"})),
    "gz of gz": lambda: gzip.compress(gzip.compress(b"x")),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_tricks_and_damage_are_refused(make: Callable[[], bytes], tmp_path: Path) -> None:
    with pytest.raises(BadInput) as found:
        out(tmp_path, make(), name="secret-name.csv.gz")
    assert found.value.remedy
    assert "secret" not in str(found.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "members"]
    assert found.value.__suppress_context__ or found.value.__context__ is None


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "zip": (lambda: zipped({"a.csv": bytes(11 * 2**20)}), "tightly"),
    "gz": (lambda: gzip.compress(bytes(11 * 2**20)), "tightly"),
    "zst": (lambda: zst(bytes(11 * 2**20)), "tightly"),
    "tar.gz of many": (lambda: gzip.compress(tarred({f"{n}.csv": bytes(2**20) for n in range(12)})), "tightly"),
    "not wanted": (lambda: zipped({"a.csv": b"x", "b.bin": bytes(11 * 2**20)}), "tightly"),
}


@pytest.mark.parametrize(("make", "word"), BOMBS.values(), ids=BOMBS)
def test_bombs_are_refused(make: Callable[[], bytes], word: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=word):
        out(tmp_path, make(), limits=Limits(max_ratio=100), wanted=lambda name: not name.endswith(".bin"))


def test_size_and_number_are_bounded(tmp_path: Path) -> None:
    data = zipped({f"{number}.csv": b"0123456789" for number in range(9)})
    with pytest.raises(BadInput, match="bytes"):
        out(tmp_path, data, limits=Limits(max_bytes=80))
    with pytest.raises(BadInput, match="members"):
        out(tmp_path, data, limits=Limits(max_members=8))
    assert len(out(tmp_path, data, limits=Limits(max_bytes=90, max_members=9))) == 9


def test_a_tar_header_may_not_grow_without_end(tmp_path: Path) -> None:
    data = gzip.compress(tarred({"a.csv": b"x"}, lambda info: info.pax_headers.update({"comment": "x" * 3 * 2**20})))
    with pytest.raises(BadInput, match="headers"):
        out(tmp_path, data)


def test_a_second_unpacking_starts_afresh(tmp_path: Path) -> None:
    assert len(out(tmp_path, zipped({"a.csv": b"1", "b.csv": b"2"}))) == 2
    assert len(out(tmp_path, zipped({"a.csv": b"1"}))) == 1
    assert len(list((tmp_path / "members").iterdir())) == 1


@pytest.mark.shared
def test_the_260_dumps(shared: Path, tmp_path: Path) -> None:
    path = shared / "data" / "perf" / "dxy-covid" / "area_csv.tar.zst"
    members = list(unpack(path, tmp_path / "members", time_of=reader("%Y%m%dT%H%M%SZ", None, "UTC"), limits=Limits(max_ratio=2000)))
    times = [member.time for member in members]
    assert len(members) == 260
    assert None not in times
    assert times == sorted(times, key=str)
