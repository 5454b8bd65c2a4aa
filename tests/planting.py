"""A tiny city with canaries in every place that can hold a value or a name: columns, running text, names, comments, what is beside a table.

Fates: `admitted` (raw, bronze, silver and quarantine may hold it), `beside` (part of an admitted file that no column declares: nothing
holds it), `named` (a name of an admitted file), `held` (holding alone), `refused` (nothing).
"""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import tarfile
import zipfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
import yaml
from canaries import KINDS, Nest
from tiny import Tiny, column, contract

ID = column("id", "text", "编号", key=1, required=True)
WORDS = {                                              # how people write it in a sentence, so that it can be known
    "resident_id": "身份证{}", "resident_id_of_15": "身份证号{}", "disability_card": "残疾人证{}", "residence_permit": "居住证{}",
    "hmt_residence_permit": "港澳台居民居住证{}", "foreigner_permit": "外国人永久居留身份证{}", "hk_macao_permit": "回乡证{}",
    "taiwan_permit": "台胞证{}", "passport": "护照{}", "officer_card": "军官证{}", "mobile": "手机{}", "landline": "家里电话{}",
    "social_credit_code": "信用代码{}", "bank_card": "银行卡{}", "plate": "车牌{}", "email": "邮箱{}", "ip": "登录IP{}", "mac": "网卡MAC {}",
    "imei": "手机IMEI {}", "vin": "车架号{}", "url_token": "链接 {} 打不开", "wechat": "微信号{}", "qq": "QQ{}", "social_security": "社保号{}",
    "coordinates": "家住{}", "name": "市民{}反映", "address": "住在{}"}
OPEN = "open-row-of-the-city-"                      # begins the keys of rows that everyone may see
IDENTIFIES = {kind: {"resident_id_of_15": "resident_id"}.get(kind, kind) for kind in KINDS}


def policy(*datasets: str) -> str:
    """One rule that lets everything of these datasets in."""
    rule = {"id": "R1", "department": "parks", "datasets": list(datasets), "purposes": ["open_data"],
            "kinds": sorted({*IDENTIFIES.values(), "individual_business"}), "quantity": {"rows_per_batch": 1000},
            "frequency": {"min_interval_hours": 0}, "mode": ["files"], "scope": {"subjects": "test"},
            "retention_days": 365, "valid_from": "2020-01-01", "valid_to": "2030-12-31", "legal_basis": "for the test", "verified": True}
    return yaml.safe_dump({"version": 1, "collection_rules": [rule]}, allow_unicode=True)


class Planting:
    """Declares datasets one by one and drops their files."""

    def __init__(self, root: Path, nest: Nest) -> None:
        self.nest, self.city = nest, Tiny(root)
        nest.background = "，".join(WORDS.values()).encode()
        self.folder = self.city.sources / "parks"
        (self.city.city / "datasets/parks/trees.odcs.yaml").unlink()
        self.city.write("negative_list.yaml", policy("parks.people", "parks.calls", "parks.notes", "parks.misdeclared", "parks.books", "parks.base",
                                                     "parks.columns", "parks.nested", "parks.packs", "parks.lines", "parks.secret",
                                                     "parks.layers", "parks.tars"))
        for plant in (self.people, self.texts, self.misdeclared, self.books, self.bases, self.packs, self.layers, self.refused, self.held):
            plant()

    def sentence(self, kinds: Sequence[str], fate: str, place: str) -> str:
        return "，".join(WORDS[kind].format(self.nest.lay(kind, fate, place)) for kind in kinds) + "。"

    def each(self, fate: str, place: str) -> str:
        """One of every kind."""
        return self.sentence(KINDS, fate, place)

    def declare(self, name: str, columns: list[dict[str, Any]], pattern: str = "", form: dict[str, Any] | None = None, **fields: Any) -> None:
        source = {"system": "parks_files", "options": {"path": pattern or f"{name}*"}, "format": form or {"name": "csv"}}
        self.city.declare(contract(f"parks.{name}", columns, sources=[source], **fields))

    # -- let in -----------------------------------------------------------------------------------------------------

    def people(self) -> None:
        """Each kind in a column of its own, treated in every way; and rows that end in quarantine."""
        columns = [ID, *(column(kind, "text", f"列{at}", "L4", identifies=IDENTIFIES[kind], person=True) for at, kind in enumerate(KINDS))]
        ways = [{"do": "mask", "left": 1, "right": 1}, {"do": "token"}, {"do": "mask"}]
        treated = {"id": {"do": "keep"}, **{kind: dict(ways[at % 3]) for at, kind in enumerate(KINDS)},
                   "address": {"do": "generalise", "address": "street"}, "name": {"do": "mask", "left": 1}}
        small = column("small", "decimal(6,2)", "小数", person=True, quasi=True)       # does not leave: classes are not what is tested here
        self.declare("people", [*columns, small], collection_rule="R1", max_bad_percent=80.0, products=[
            {"name": "main", "tier": "unconditional", "purpose": "open_data", "columns": {"id": {"do": "keep"}}, "formats": ["csv", "parquet"]},
            {"name": "treated", "tier": "restricted", "purpose": "open_data", "columns": treated, "formats": ["csv", "parquet", "xlsx", "jsonl"]}])
        head = ",".join(["编号", *(f"列{at}" for at in range(len(KINDS))), "小数"]) + "\n"
        rows = ["".join(f",{self._cell(kind)}" for kind in KINDS) for _ in range(12)]
        self.city.drop("people1.csv", head + "".join(f"{OPEN}P{at}{row},1\n" for at, row in enumerate(rows[:10])))
        broken = self.nest.lay("mobile", "admitted", "broken cell")
        short = [self.nest.lay(kind, "admitted", "short record") for kind in ("name", "ip")]
        self.city.drop("people2.csv", f"{head}{OPEN}P10{rows[10]},{broken}\n{rows[11]},1\n{','.join(short)}\n")

    def _cell(self, kind: str) -> str:
        value = self.nest.lay(kind, "admitted", "column")
        return f'"{value}"' if "," in value else value

    def texts(self) -> None:
        """Running text, redacted: for the asking, and open to all."""
        for name, level, tier, form in (("calls", "L3", "restricted", "json"), ("notes", "L1", "unconditional", "jsonl")):
            text = column("note", "text", "内容", level)
            self.declare(name, [ID, text], form={"name": form}, collection_rule="R1", products=[{
                "name": "main", "tier": tier, "purpose": "open_data", "columns": {"id": {"do": "keep"}, "note": {"do": "redact"}},
                "formats": ["csv", "parquet", "jsonl"]}])
            rows = [{"编号": f"{OPEN}C{at}", "内容": self.sentence((KINDS[at % len(KINDS)], KINDS[(at + 1) % len(KINDS)], "name"), "admitted", name)}
                    for at in range(len(KINDS))]
            lines = [json.dumps(row, ensure_ascii=at % 2 == 0) for at, row in enumerate(rows)]
            self.city.drop(f"{name}1.{form}", f"[{','.join(lines)}]" if form == "json" else "\n".join(lines) + "\n")

    def misdeclared(self) -> None:
        """Declared as harmless, published as it is: the screen must find it."""
        self.declare("misdeclared", [ID, column("note", "text", "内容")], collection_rule="R1")
        self.city.drop("misdeclared1.csv", "编号,内容\n" + "".join(
            f"M{at},\"{self.sentence((kind,), 'admitted', 'misdeclared')}\"\n" for at, kind in enumerate(KINDS)))

    def books(self) -> None:
        """A workbook with more than its sheet, and with an own name."""
        self.declare("books", [ID, column("note", "text", "内容", "L3", person=True)], form={"name": "excel", "sheet": 1}, collection_rule="R1")
        for at, beside in enumerate(("comment", "hidden sheet", "properties", "defined name", "footer", "choices", "link")):
            name = f"books_{self.nest.lay('name', 'named', 'file name')}{at}.xlsx"
            self._book(self.folder / name, at, beside)

    def _book(self, path: Path, at: int, beside: str) -> None:
        text = self.sentence(KINDS[at * 3:at * 3 + 4], "beside", beside)
        book = xlsxwriter.Workbook(str(path))
        sheet = book.add_worksheet(self.nest.lay("name", "named", "sheet name"))
        sheet.write_row(0, 0, ["编号", "内容"])
        sheet.write_row(1, 0, [f"B{at}", self.sentence(("name", "mobile"), "admitted", "workbook")])
        if beside == "comment":
            sheet.write_comment("B2", text, {"author": self.nest.lay("name", "beside", "comment's author")})
        elif beside == "hidden sheet":
            other = book.add_worksheet(self.nest.lay("mobile", "named", "hidden sheet's name"))
            other.write(0, 0, text)
            other.hide()
        elif beside == "properties":
            book.set_properties({"author": self.nest.lay("name", "beside", "author"), "comments": text})
            book.set_custom_property("owner", self.nest.lay("email", "beside", "custom property"))
        elif beside == "defined name":
            book.define_name("Owner", f'="{self.nest.lay("resident_id", "beside", "defined name")}"')
        elif beside == "footer":
            sheet.set_footer(f"&L{self.nest.lay('name', 'beside', 'footer')} {self.nest.lay('mobile', 'beside', 'footer')}")
        elif beside == "choices":
            sheet.data_validation("B9", {"validate": "list", "source": [self.nest.lay("plate", "beside", "choices")]})
        else:
            sheet.write_url("B3", f"internal:A1#{self.nest.lay('wechat', 'beside', 'link')}", string="-", tip=self.nest.lay("name", "beside", "tip"))
            sheet.write("A3", "B99")
        book.close()

    def bases(self) -> None:
        """A database with another table, with rows that were deleted, a comment; columns with metadata; JSON with keys beside the array."""
        person = column("note", "text", "内容", "L3", person=True)
        self.declare("base", [ID, person], form={"name": "sqlite", "table": "t"}, collection_rule="R1")
        for at, extra in enumerate(("other table", "deleted rows")):
            with closing(sqlite3.connect(self.folder / f"base{at}.db")) as base:
                base.execute(f"CREATE TABLE t (编号 TEXT, 内容 TEXT -- {self.nest.lay('mobile', 'beside', 'comment of a table')}\n)")
                base.execute("INSERT INTO t VALUES (?, ?)", (f"D{at}", self.sentence(("name", "passport"), "admitted", "database")))
                if extra == "other table":
                    base.execute("CREATE TABLE other (x TEXT)")
                    base.execute("INSERT INTO other VALUES (?)", (self.each("beside", extra),))
                else:
                    base.execute("INSERT INTO t VALUES ('X', ?)", (self.each("beside", extra) + "x" * 20_000,))
                    base.execute("DELETE FROM t WHERE 编号 = 'X'")
                base.commit()
        self.declare("columns", [ID, person], form={"name": "parquet"}, collection_rule="R1")
        field = pa.field("内容", pa.string(), metadata={"owner": self.nest.lay("email", "beside", "column's metadata")})
        table = pa.table([["E1"], [self.sentence(("name", "bank_card"), "admitted", "parquet")]],
                         schema=pa.schema([pa.field("编号", pa.string()), field], metadata={"comment": self.each("beside", "file's metadata")}))
        pq.write_table(table, self.folder / "columns1.parquet")
        self.declare("nested", [ID, person], form={"name": "json", "path": "rows"}, collection_rule="R1")
        self.city.drop("nested1.json", json.dumps({"about": self.each("beside", "key beside the array"), "rows": [
            {"编号": "F1", "内容": self.sentence(("name", "imei"), "admitted", "nested")}]}, ensure_ascii=False))
        self.declare("lines", [ID, person], form={"name": "csv", "comment": "#"}, collection_rule="R1")
        row = self.sentence(("name", "vin"), "admitted", "lines")
        self.city.drop("lines1.csv", f"# {self.each('beside', 'comment line')}\n编号,内容\nG1,{row}\n")

    def packs(self) -> None:
        """An archive: a member's name, a member that nobody asked for, the archive's own comment."""
        source = {"system": "parks_files", "options": {"path": "packs*.zip", "member": "packs*.csv"}, "format": {"name": "csv"}}
        self.city.declare(contract("parks.packs", [ID, column("note", "text", "内容", "L3", person=True)], sources=[source], collection_rule="R1"))
        with zipfile.ZipFile(self.folder / f"packs_{self.nest.lay('mobile', 'named', 'file name')}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            row = self.sentence(("name", "plate"), "admitted", "archive")
            member = zipfile.ZipInfo(f"packs_{self.nest.lay('name', 'named', 'member name')}.csv")
            member.comment = self.nest.lay("wechat", "beside", "comment of a member").encode()
            archive.writestr(member, f"编号,内容\nZ1,{row}\n")
            archive.writestr(f"read_{self.nest.lay('name', 'beside', 'other member name')}.txt", self.each("beside", "other member"))
            archive.comment = self.nest.lay("email", "beside", "comment of an archive").encode()

    def layers(self) -> None:
        """A map's layer with a name and a remark of its own; a tar in a gz, each with a name and a comment."""
        person = column("note", "text", "内容", "L3", person=True)
        self.declare("layers", [ID, person], form={"name": "geojson", "geometry": False, "points": False}, collection_rule="R1")
        features = [{"type": "Feature", "properties": {"编号": "L1", "内容": self.sentence(("name", "social_security"), "admitted", "layer")},
                     "remark": self.nest.lay("mobile", "beside", "remark of a feature")}]
        self.city.drop("layers1.geojson", json.dumps({
            "type": "FeatureCollection", "name": self.nest.lay("name", "beside", "layer's name"), "features": features}, ensure_ascii=False))
        source = {"system": "parks_files", "options": {"path": "tars*.tar.gz", "member": "tars*.csv"}, "format": {"name": "csv"}}
        self.city.declare(contract("parks.tars", [ID, person], sources=[source], collection_rule="R1"))
        text = f"编号,内容\nT1,{self.sentence(('name', 'landline'), 'admitted', 'tar')}\n".encode()
        with (self.folder / "tars1.tar.gz").open("wb") as raw, gzip.GzipFile(
                f"{self.nest.lay('email', 'beside', 'name in a gz').split('@')[0]}.tar", "wb", fileobj=raw) as packed, tarfile.open(
                fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
            member = tarfile.TarInfo(f"tars_{self.nest.lay('name', 'named', 'member name')}.csv")
            member.size, member.uname = len(text), self.nest.lay("name", "beside", "owner in a tar")
            member.pax_headers = {"comment": self.nest.lay("resident_id", "beside", "comment in a tar")}
            archive.addfile(member, io.BytesIO(text))

    # -- not let in -------------------------------------------------------------------------------------------------

    def refused(self) -> None:
        """Personal data without a rule: in a file with a person's name too, in JSON Lines, inside an archive."""
        columns = [ID, column("note", "text", "内容")]
        self.declare("visits", columns, "visits*.csv")
        self.city.drop(f"visits_{self.nest.lay('name', 'refused', 'file name')}.csv", f"编号,内容\nV1,\"{self.each('refused', 'text')}\"\n")
        self.declare("visitors", columns, form={"name": "jsonl"})
        self.city.drop("visitors1.jsonl", json.dumps({"编号": "V1", "内容": self.each("refused", "json")}) + "\n")
        self.declare("packed", columns, "packed*.zip")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"p_{self.nest.lay('name', 'refused', 'member name')}.csv", f"编号,内容\nV1,\"{self.each('refused', 'member')}\"\n")
        (self.folder / "packed1.zip").write_bytes(packed.getvalue())

    def held(self) -> None:
        """Undeclared headers and sheets, files that cannot be read, words of secrecy, an archive that cannot be opened."""
        columns = [ID, column("note", "text", "内容")]
        self.declare("headers", columns)
        heads = ",".join(f'"{self.nest.lay(kind, "held", "header")}"' for kind in KINDS)
        self.city.drop(f"headers_{self.nest.lay('resident_id', 'held', 'file name')}.csv", f"编号,{heads}\nH1,{',' * (len(KINDS) - 1)}\n")
        self.declare("sheets", columns, form={"name": "excel", "sheet": "数据"})
        book = xlsxwriter.Workbook(str(self.folder / "sheets1.xlsx"))
        book.add_worksheet(self.nest.lay("name", "held", "sheet name")).write(0, 0, self.each("held", "undeclared sheet"))
        book.close()
        self.declare("broken", columns, form={"name": "csv", "encoding": "utf-16"})
        text = f"编号,内容\nB1,\"{self.each('held', 'undecodable')}\"\n".encode()
        (self.folder / "broken1.csv").write_bytes(text + b"\xff\xfe\n")
        self.city.declare(contract("parks.feed", columns, sources=[{"system": "parks_files", "options": {"path": "feed*.xml"}}]))
        self.city.drop("feed1.xml", f"<?xml version=\"1.0\"?>\n<!-- {self.each('held', 'comment of XML')} -->\n<行 名=\""
                                    f"{self.nest.lay('name', 'held', 'attribute of XML')}\"><编号>X1</编号></行>\n")
        self.declare("cut", columns, form={"name": "json"})
        self.city.drop("cut1.json", '[{"编号": "J1", "内容": "' + self.each("held", "broken json"))
        self.declare("secret", columns, collection_rule="R1")
        self.city.drop("secret1.csv", f"编号,内容\nS1,\"绝密级 {self.each('held', 'secret')}\"\n")
        self.declare("torn", columns, "torn*.zip")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("torn.csv", f"编号,内容\nT1,\"{self.each('held', 'torn archive')}\"\n")
        (self.folder / "torn1.zip").write_bytes(packed.getvalue()[:-60])
