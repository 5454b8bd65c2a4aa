"""`citylake address`: how an address is read, its standard spelling and code, and whether the city's library knows it. Nothing is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.frame import add
from console.opening import json_option, opened
from console.output import say, show_json, tell
from console.tables import facts, padded, style, width
from console.words import _

if TYPE_CHECKING:
    from privacy.address_codes import Code


def register(app: typer.Typer) -> None:
    add(app, "address", address, _("Read an address: its levels, standard spelling, code, and whether the address library has it."), """
citylake address "西湖区文三路99号2幢301室"
citylake address addresses.txt --json
""")


def address(
    given: Annotated[list[str], typer.Argument(metavar="TEXT|FILE", help=_("An address, or a text file with one on each line."))],
    as_json: Annotated[bool, json_option()] = False,
) -> None:
    from pipelines.address_library import library_of, matches
    from privacy.address_codes import codes
    from privacy.addresses import parse

    way = opened()
    texts = [line for text in given for line in _lines(text)]
    near, parsed = way.city.division, [parse(text) for text in texts]
    found = [codes(one[0], near) if len(one) == 1 else None for one in parsed]
    known = library_of(way) is not None
    rows = [_row(text, one, code, match if known else None, near)
            for text, one, code, match in zip(texts, parsed, found, matches(way, found), strict=True)]
    if as_json:
        show_json({"addresses": rows})
        return
    for row in rows:
        _show(row)
    if not known:
        tell(_("The address library has no rows yet: run it first."))


def _lines(text: str) -> list[str]:
    """The lines of a file, or the text itself. A long address is no file's name for the operating system."""
    try:
        there = Path(text).is_file()
    except OSError:
        there = False
    return [line.strip() for line in Path(text).read_text(encoding="utf-8-sig").splitlines() if line.strip()] if there else [text]


def _row(text: str, parsed: list[Any], code: Code | None, match: str | None, near: str) -> dict[str, Any]:
    """`why` says what is in the way where nothing is certain; `match` is None without a library, "" where it does not know the address."""
    from privacy.addresses import division_code, standard

    if len(parsed) != 1:
        return {"given": text, "why": "none" if not parsed else "several"}
    one = parsed[0]
    division, parts = division_code(one, near), standard(one, near)
    return {"given": text, "why": "" if len(division) >= 6 else "district", "level": one.level, "standard": "".join(parts.values()), "parts": parts,
            "division": division, "code": code.code if code else None, "match": match}


def _levels(parts: dict[str, str]) -> list[str]:
    names = {name: _(_NAMES.get(name, name)) for name in parts}
    wide = max((width(name) for name in names.values()), default=0)
    return [f"{padded(names[name], wide)}  {text}" for name, text in parts.items()]


_NAMES = {"roadno": "gate number"}
_WHY = {"none": "No address was found in it.", "several": "It holds more than one address, so none is certain.",
        "district": "No district is certain, so it gets no code."}


def _show(row: dict[str, Any]) -> None:
    pairs = [(_("Finest level"), _(row["level"])), (_("Standard"), row["standard"]),
             (_("Levels"), "\n".join(_levels(row["parts"]))), (_("Division"), row["division"] or "–"),
             (_("Code"), row["code"] or "–")] if "level" in row else []
    if row.get("match") is not None:
        pairs.append((_("Address library"), _(f"by {row['match']}") if row["match"] else _("does not know it")))
    if row["why"]:
        pairs.append((_("Why"), _(_WHY[row["why"]])))
    say(style(row["given"], "bold"), *facts(pairs), "")
