"""Strict YAML with positions: plain data, and for every path the line it was written on.

PyYAML keeps the last of two equal keys silently (`treatment: drop`, then `treatment: keep`, would leak), and reads `no`,
`1:30` or `010` as something else. Both are refused here; so are anchors, tags and a second document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError

from catalog.errors import Problem

Path_ = tuple[str | int, ...]
_PLAIN_BOOL = {"true": True, "false": False}
_SURPRISE = re.compile(
    r"(?:yes|no|on|off|y|n|Yes|No|On|Off|Y|N|YES|NO|ON|OFF|True|False|TRUE|FALSE|Null|NULL|~"
    r"|[-+]?0[0-9_]+|[-+]?0[xob][0-9a-fA-F_]+|[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?|[0-9][0-9_]*_[0-9_]*"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|\+[0-9].*|[-+]?\.[0-9]+|[-+]?[0-9]+\.|=)\Z")
_INT = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")
_HIDDEN = re.compile("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060\ufeff]")
MAX_DEPTH = 40


@dataclass
class Document:
    """What a file says. `lines` has the line of every mapping key and list item, by path."""

    file: str
    data: Any = None
    lines: dict[Path_, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path_) -> int:
        """The line of a path, or of the nearest thing above it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Path_, code: str, what: str, remedy: str) -> None:
        self.problems.append(Problem(self.file, self.line(path), code, what, remedy))


def read_yaml(path: Path, name: str) -> Document:
    """Reads a file as strictly as said above; `name` is how problems call it. All problems at once."""
    document = Document(name)
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        document.problems.append(Problem(name, line, "yaml.encoding", "The file is not UTF-8.", "Save it as UTF-8."))
        return document
    except OSError:
        document.problems.append(Problem(name, 1, "yaml.missing", "The file cannot be read.", "Create it, and see that it may be read."))
        return document
    _read(text, document)
    return document


class _Composer:
    """Makes nodes of libyaml's events and notes what is forbidden on the way; an alias is not followed, so that none can multiply.

    Nodes have no tags: what a word means is said by `_scalar`.
    """

    def __init__(self, text: str) -> None:
        self.forbidden: list[tuple[str, int]] = []
        self._parser: Any = yaml.CSafeLoader(text)

    def document(self) -> yaml.Node | None:
        """The one document's root; None of an empty file. Raises YAMLError."""
        parser = self._parser
        parser.get_event()                                      # the stream begins
        if parser.check_event(yaml.StreamEndEvent):
            return None
        parser.get_event()
        root = self._node()
        parser.get_event()
        if not parser.check_event(yaml.StreamEndEvent):
            raise ComposerError("", None, "another document", parser.get_event().start_mark)
        return root

    def _node(self) -> yaml.Node:
        parser = self._parser
        event = parser.get_event()
        kind, at = type(event), event.start_mark
        if kind is yaml.AliasEvent:
            self.forbidden.append(("an alias", at.line + 1))
            return yaml.ScalarNode("", "", at, event.end_mark)
        if event.anchor:
            self.forbidden.append(("an anchor", at.line + 1))
        if event.tag:
            self.forbidden.append(("a tag", at.line + 1))
        if kind is yaml.ScalarEvent:
            return yaml.ScalarNode("", event.value, at, event.end_mark, event.style)
        value: list[Any] = []
        if kind is yaml.SequenceStartEvent:
            while not parser.check_event(yaml.SequenceEndEvent):
                value.append(self._node())
            return yaml.SequenceNode("", value, at, parser.get_event().end_mark)
        while not parser.check_event(yaml.MappingEndEvent):
            value.append((self._node(), self._node()))
        return yaml.MappingNode("", value, at, parser.get_event().end_mark)


def _read(text: str, document: Document) -> None:
    try:
        loader = _Composer(text)
        node = loader.document()
    except yaml.YAMLError as error:
        if "depth" in str(getattr(error, "problem", "")):       # libyaml's own limit
            document.problems.append(_too_deep(document.file))
            return
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = mark.line + 1 if mark else 1
        document.problems.append(Problem(document.file, line, "yaml.syntax", "This is not valid YAML, or not one single document.",
                                         "Mend the indentation, brackets or quotes; a tab may not indent."))
        return
    except RecursionError:
        document.problems.append(_too_deep(document.file))
        return
    for token, line in loader.forbidden:
        document.problems.append(Problem(document.file, line, "yaml.feature", f"The file uses {token}.", "Write the value out."))
    if node is not None:
        document.lines[()] = node.start_mark.line + 1
        document.data = _value(node, (), document)
    if document.data is None and not document.problems:
        document.problems.append(Problem(document.file, 1, "yaml.empty", "The file is empty.", "Write the definition."))


def _too_deep(file: str) -> Problem:
    return Problem(file, 1, "yaml.depth", "The file is nested too deeply.", "Write it flatter.")


def _value(node: yaml.Node, path: Path_, document: Document) -> Any:
    if len(path) > MAX_DEPTH:
        document.problem(path, "yaml.depth", "The file is nested too deeply.", "Write it flatter.")
        return None
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, document)
    if isinstance(node, yaml.SequenceNode):
        items = []
        for at, item in enumerate(node.value):
            document.lines[(*path, at)] = item.start_mark.line + 1
            items.append(_value(item, (*path, at), document))
        return items
    return _scalar(node, path, document)


def _mapping(node: yaml.MappingNode, path: Path_, document: Document) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or _HIDDEN.search(key_node.value) or key_node.value == "<<":
            document.problems.append(Problem(document.file, line, "yaml.key", "A key is not a plain word.", "Write a plain key."))
            continue
        key = key_node.value
        if key in found:
            first = document.lines[(*path, key)]
            document.problems.append(Problem(document.file, line, "yaml.duplicate", f"The key {key} stands here and on line {first}.",
                                             "Keep one of them."))
            continue
        document.lines[(*path, key)] = line
        found[key] = _value(value_node, (*path, key), document)
    return found


def _scalar(node: Any, path: Path_, document: Document) -> Any:
    text = str(node.value)
    if node.style in ("'", '"', "|", ">"):
        return text
    if text in ("", "null"):
        return None
    if text in _PLAIN_BOOL:
        return _PLAIN_BOOL[text]
    if _SURPRISE.match(text):
        document.lines.setdefault(path, node.start_mark.line + 1)
        document.problem(path, "yaml.surprise", "YAML would read this unquoted word as something else.",
                         "Put it in quotes, or write true, false or a plain number.")
        return text
    if _INT.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text
