"""A small city with every merge mode, treatment and disclosure control, and two days of its sources. What it has is counted in
test_pipelines_engines.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from test_pipelines_disclosure import rule
from tiny import Tiny, column, contract
from twins import same_keys, told

KEEP, DROP = {"do": "keep"}, {"do": "drop"}
SITES = "编号,类别,高度,种植日期,备注\n"
CALLS = "编号,类别,高度,备注\n"
MEMBERS = "编号,街区,年龄,病,日期,备注\n"
DAYS = (
    {"sites": SITES + "".join(f"S{n},{'AB'[n % 2]},{n}.5米,202{n % 3}-{1 + n % 12:02d}-05,注{n}\n" for n in range(60))
     + "S2,B,4,2021/2/3,\n,A,1,,无号\n",
     "calls": CALLS + "".join(f"C{n},{'AB'[n % 2]},{n}.25,送到{n}幢\n" for n in range(30)) + "C1,A,1.25,送到1幢\nC2,B,-0.0,😀\n",
     "members": MEMBERS + "".join(f"P{n},{'AB'[n % 2]},{30 + n // 2 % 4},{'xyz'[n % 3]},2020-01-{1 + n % 28:02d},送到{n}幢\n" for n in range(160))
     + "".join(f"P9{n:02d},C,{30 + n // 12},{'xyz'[n % 3]},,\n" for n in range(39))},
    {"sites": SITES + "S2,A,5,2021/2/3,moved\nS90,B,0.5,2026年3月5日,new\nＳ７,Ａ,1　,２０２６.3.5,﻿full\nS8,C,x,2020-02-30,bad\n",
     "calls": CALLS + "C1,A,1.25,送到1幢\nC90,B,-0.5,\n",
     "members": MEMBERS + "P1,A,33,y,2020-02-03,\nP990,B,33,z,1969-12-31,\n"},
)


def product(name: str, columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "tier": "unconditional", "purpose": "open_data", "formats": ["csv"], "columns": columns, **more}


def counted(name: str, *by: str, **disclosure: Any) -> dict[str, Any]:
    return product(name, dict.fromkeys(by, KEEP), aggregate={"by": list(by), "measures": {"people": "count(*)"}}, disclosure=disclosure)


def sites() -> dict[str, Any]:
    """A snapshot, published by year."""
    columns = [column("id", "text", "编号", key=1, required=True, standardise=["fold_width", "upper"]),
               column("kind", "text", "类别", codes="kinds"), column("height", "decimal(6,2)", "高度", strip_unit=["米", "m"]),
               column("planted", "date", "种植日期"), column("note", "text", "备注")]
    main = product("main", {"id": KEEP, "kind": KEEP, "planted": KEEP, "height": {"do": "cap", "bottom": 1, "top": 30}, "note": DROP},
                   filter="height < 50", formats=["csv", "parquet"])
    coarse = product("coarse", {"id": {"do": "mask", "left": 1}, "height": {"do": "round", "step": 0.5},
                                "planted": {"do": "generalise", "to": "month"}}, formats=["jsonl"])
    return contract("parks.sites", columns, merge="snapshot", period={"column": "planted", "grain": "year"}, products=[main, coarse],
                    volume={"max_shrink": 1.0}, max_bad_percent=60.0)


def calls() -> dict[str, Any]:
    """What is only added to; a row may come again."""
    columns = [column("id", "text", "编号"), column("kind", "text", "类别", codes="kinds"), column("height", "double", "高度"),
               column("note", "text", "备注", "L2")]
    main = product("main", {"id": KEEP, "height": KEEP, "note": {"do": "redact"}}, tier="restricted")
    return contract("parks.calls", columns, merge="append", products=[main])


def members() -> dict[str, Any]:
    """Persons, of whom the newest row counts."""
    columns = [column("id", "text", "编号", "L3", key=1, required=True, person=True, subject=True),
               column("block", "text", "街区", person=True, quasi=True), column("age", "bigint", "年龄", person=True, quasi=True),
               column("illness", "text", "病", sensitive=True, person=True), column("seen", "date", "日期", "L2", person=True),
               column("note", "text", "备注", "L3", person=True)]
    rows = product("main", {"id": {"do": "token"}, "block": KEEP, "age": {"do": "band", "width": 10}, "illness": KEEP,
                            "seen": {"do": "shift", "by": "id", "days": 30}}, tier="restricted", disclosure={"rows": "suppress"})
    wide = product("wide", {"block": KEEP, "age": KEEP}, disclosure={"rows": "mondrian"})
    tables = [counted("cells", "block", "age", cells="secondary", round_counts=5), counted("noisy", "block", noise_epsilon=1.0)]
    return contract("parks.members", columns, subjects="residents", collection_rule="RULE-1", products=[rows, wide, *tables])


def sums() -> dict[str, Any]:
    """Derived from two of the others."""
    query = ("SELECT s.kind AS kind, count(*) AS trees, sum(s.height) AS height, max(c.height) AS call FROM sites s "
             "LEFT JOIN calls c ON s.kind = c.kind GROUP BY s.kind")
    columns = [column("kind", "text", "类别", key=1, required=True), column("trees", "bigint", "数"), column("height", "decimal(18,2)", "总高"),
               column("call", "double", "最高")]
    inputs = [{"dataset": f"parks.{name}", "name": name} for name in ("sites", "calls")]
    main = product("main", {name: KEEP for name in ("kind", "trees", "height", "call")})
    return contract("parks.sums", columns, sources=None, merge=None, inputs=inputs, query=query, products=[main])


CONTRACTS = (sites(), calls(), members(), sums())


def ours(document: dict[str, Any]) -> dict[str, Any]:
    """Our part of a contract."""
    found: dict[str, Any] = document["customProperties"][0]["value"]
    return found


def city(root: Path) -> Tiny:
    """The city, before its first day."""
    made = Tiny(root)
    (made.city / "datasets/parks/trees.odcs.yaml").unlink()
    made.write("negative_list.yaml", rule("parks.members"))
    for document in CONTRACTS:
        made.declare(json.loads(json.dumps(document)))      # YAML would write what is shared as an alias
    return made


def live(made: Tiny, day: int, engine: str, datasets: tuple[str, ...], known: Path | None) -> list[tuple[str, ...]]:
    """A day of these datasets on an engine; what every step came to. `known`: the secrets of a twin that has lived this day."""
    made.engine = engine
    for name, text in DAYS[day].items():
        made.drop(f"{name}{day}.csv", text)
    with same_keys(known, made.settings.secrets, first=1 + 100 * day):
        return told(made.run(*datasets))
