"""Identifiers of persons in what is published as it was written: the texts of contracts, the codes and words of code lists.

`citylake check` says so, and so does every command that opens the city: nothing is published while one stands there. Names are not
looked for here, as that needs the language model: pipelines/screening.py reads code lists with it when a release is judged.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from catalog.city import City
from catalog.codes import CodeList
from catalog.errors import Problem
from catalog.odcs import ours
from catalog.yamlread import Document, Path_, read_yaml
from privacy.identifiers import BY_KIND
from privacy.recognisers import kinds_in

FORBIDDEN = frozenset({"mobile", "email", *(kind for kind, spec in BY_KIND.items() if spec.certain)})
UNSHOWN = frozenset({"sources", "team", "support", "servers", "roles"})     # of a contract: never published
SHORT = 16          # letters alone say a number only in codes of at least so many, such as base64
_REMEDY = "Take it out: what is published names offices, their landlines and their mail under `contact`, never a person's numbers."


def check_texts(city: City, documents: Mapping[str, Document]) -> list[Problem]:
    """Every such text, by file, line and field, with the kind and never the value. An office's e-mail address may stand under `contact`."""
    found: list[Problem] = []
    for contract in city.contracts.values():
        name = contract.source_file
        document = documents[name] if name in documents else read_yaml(city.path / name, name)
        mail, (_, at) = contract.contact.email, ours(document, document.data, ())
        for path, text in _texts(document.data, ()):
            allowed = path == (*at, "contact", "email")
            plain = text if allowed or not mail else text.replace(mail, " ")
            for kind in said(plain) - ({"email"} if allowed else set()):
                field = ".".join(str(part) for part in path if isinstance(part, str) and part != "customProperties")
                found.append(_problem(name, document.line(path), field, kind))
    for codes in city.codes.values():
        found += _listed(codes)
    return found


@lru_cache(maxsize=2**16)       # contracts of one city say much alike
def said(text: str) -> frozenset[str]:
    """The forbidden kinds that a text holds for certain: their checksum holds, or their form where there is none."""
    if len(text) < 6 or (len(text) < SHORT and text.isalpha() and not any(mark.isnumeric() for mark in text)):
        return frozenset()
    return frozenset(kind for kind, sure in kinds_in(text).items() if sure and kind in FORBIDDEN)


def _texts(item: Any, path: Path_) -> Iterator[tuple[Path_, str]]:
    if isinstance(item, dict):
        for key, value in item.items():
            if key not in UNSHOWN:
                yield from _texts(value, (*path, key))
    elif isinstance(item, list):
        for number, value in enumerate(item):
            yield from _texts(value, (*path, number))
    elif isinstance(item, str | int) and not isinstance(item, bool):
        yield path, str(item)


def _listed(codes: CodeList) -> list[Problem]:
    wrong = [(number, field, kind) for number, row in enumerate(codes.rows) for field in ("code", "zh", "en") for kind in said(row[field])]
    if not wrong:
        return []
    with codes.path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.reader(handle)
        lines = [reader.line_num for row in reader if row][1:]
    return [_problem(f"codes/{codes.path.name}", lines[number], field, kind) for number, field, kind in wrong]


def _problem(file: str, line: int, field: str, kind: str) -> Problem:
    return Problem(file, line, "text.personal", f"The field {field} holds what looks like a person's {kind}.", _REMEDY)
