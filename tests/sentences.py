"""What the program says to people, found in its source; and English that is left in a Chinese text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SENTENCE = re.compile(r"(?:[A-Z`{]|x\d).*\s.*[.!?]")
# Words one after the other, none of which is a command, a name like_this or behind a mark.
ENGLISH = re.compile(r"(?<![\w./_`<-])[A-Za-z][a-z']*(?: [a-z][a-z']+){2,}(?![\w/_])")
CODE = re.compile(r"```.*?```|``.*?``|`[^`]*`|«[^»]*»|\{\w+\}|\$ .*", re.DOTALL)


def english_in(text: str) -> list[str]:
    """Runs of at least three English words, outside code, commands and placeholders."""
    return ENGLISH.findall(CODE.sub(" ", text))


def texts_of(node: ast.expr) -> list[str]:
    """The texts that an expression may be; what is computed stands as x1, x2, … in it."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        numbers = iter(range(1, 99))
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else f"x{next(numbers)}" for part in node.values)]
    if isinstance(node, ast.IfExp):
        return [*texts_of(node.body), *texts_of(node.orelse)]
    return []


def asked(path: Path) -> Iterator[str]:
    """The texts that are looked up in the catalog: `_("…")` and `counted(n, "…", "…")`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("_", "counted"):
            for argument in node.args:
                yield from (text for text in texts_of(argument) if not re.fullmatch(r"x\d:?|\W*", text))


def said(path: Path) -> Iterator[str]:
    """Every sentence of a module that is no docstring: of errors, problems, findings, remedies."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    silent |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in silent:
            yield from (text for text in texts_of(node) if SENTENCE.fullmatch(text) and re.search("[a-z]{3}", text))
