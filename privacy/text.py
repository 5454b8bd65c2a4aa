"""Everything in a free text that points to a person, in one pass, and the text without it. Too much rather than too little.

Precedence where findings overlap: they are joined from the first character to the last, so that nothing between two of them stays
readable, under the kind of the surest, then of the longest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files

from catalog.canonical import fingerprint
from privacy.addresses import address_spans
from privacy.model import MODEL_VERSION, Model, Reading
from privacy.names import DOUBTFUL, LEAST, name_spans
from privacy.recognisers import SCREEN_VERSION, spans_in
from privacy.spans import Span
from privacy.topics import TOPICS, topic_spans

LABELS = {"name": "姓名", "address": "地址", "mobile": "电话", "landline": "电话", "email": "邮箱", "resident_id": "证件号", "bank_card": "账号",
          "plate": "车牌", "wechat": "账号", "qq": "账号", "number": "号码", "place": "地点", "url_token": "链接", "social_credit_code": "代码",
          "masked": "号码", **dict.fromkeys(TOPICS, "敏感")}
WIDE = ("province", "city", "district")       # an address of no finer part points to nobody, and stays
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
_PLATE = re.compile(rf"[{_PROVINCES}][\s·•.-]?[A-Za-zＡ-Ｚ](?:[\s·•.-]{{0,2}}[A-Za-z0-9０-９Ａ-Ｚ]){{5,6}}[学警港澳挂]?")
# Rather any longer number than one too few: cards, permits, accounts, orders. Six digits or more, in groups or not.
_NUMBER = re.compile(r"[A-Za-zＡ-Ｚ]{0,4}\d(?:[\s·.—–-]{0,2}\d){5,}[A-Za-z\d]*")
_ACCOUNT = re.compile(r"(?:微信|[Ww]e[Cc]hat|vx|VX|QQ|qq|扣扣|微博|抖音|旺旺|支付宝)(?:号码|账号|号|名)?[是为：:\s]*"
                      r"(?P<id>[A-Za-z0-9][A-Za-z0-9_-]{4,})")
_LINK = re.compile(r"(?:https?://|www\.)[A-Za-z0-9./?&=%_#:~+-]+", re.ASCII)
_DOOR = re.compile(r"[0-9０-９一二三四五六七八九十百〇零]+(?:号(?!线|文|令|台风|公告|提案)|弄|幢|栋|座|单元|楼|层|室|户|组|巷|房)"
                   r"(?:[0-9０-９A-Za-z]+(?:号|室|幢|单元)?)*")
_PART = "[0-9０-９A-Za-z一二三四五六七八九十]+"
_HOME = re.compile(rf"{_PART}(?:号楼|号|弄|幢|栋|座|单元)[^。；;，,]{{0,6}}?{_PART}(?:幢|栋|座|单元|室|户|层|楼)|[0-9０-９]{{2,5}}[A-Za-z]?室")
FORMS = {"plate": _PLATE, "number": _NUMBER, "url_token": _LINK}
_MASKED = re.compile(r"[\w]{0,4}[*＊●•■]{2,}\w{0,6}")
_RULES = ("spans.py", "folding.py", "model.py", "decoding.py", "names.py", "topics.py", "text.py", "addresses.py", "address_parts.py",
          "address_places.py", "address_text.py", "secrecy.py", "characters.py", "spellings.py",
          "data/surnames.txt", "data/topics.yaml", "data/divisions.csv", "data/communities.csv")
# Whatever a finding hangs on: a change of any of these makes what was judged before stale.
TEXT_VERSION = fingerprint(SCREEN_VERSION, MODEL_VERSION, [
    hashlib.sha256(file.read_bytes()).hexdigest() for name in _RULES if (file := files("privacy") / name).is_file()])[:16]


def find(texts: Sequence[str], model: Model, least: float = LEAST) -> list[list[Span]]:
    """Spans of each text, in order and without overlap, names from the score `least` on. Once per distinct text."""
    distinct = list(dict.fromkeys(texts))
    found = {text: settled([span for span in candidates(text, reading) if span.kind != "name" or span.score >= least])
             for text, reading in zip(distinct, model.read(distinct), strict=True)}
    return [found[text] for text in texts]


def door_spans(text: str) -> list[Span]:
    """Where a text names a single building, flat or room: two parts of such an address, or one that ends in a room."""
    return [Span(hit.start(), hit.end(), "address", 0.7) for hit in _HOME.finditer(text)]


def redact(texts: Sequence[str], model: Model) -> list[str]:
    """Each text with every span replaced by the name of its kind, such as [姓名], and whatever might be a name."""
    return [_without(text, spans) for text, spans in zip(texts, find(texts, model, DOUBTFUL), strict=True)]


def candidates(text: str, reading: Reading) -> list[Span]:
    """All findings of one text before overlaps are settled."""
    return [*spans_in(text), *name_spans(text, reading), *address_spans(text, reading.words), *topic_spans(text), *form_spans(text),
            *_places(reading)]


def form_spans(text: str) -> list[Span]:
    """What is shaped like a number, account, link or door, on no further evidence: too much rather than too little."""
    found = [Span(hit.start(), hit.end(), kind, 0.5) for kind, form in FORMS.items() for hit in form.finditer(text)]
    found += [Span(hit.start(), hit.end(), "address", 0.5, "door") for hit in _DOOR.finditer(text)]
    found += [Span(hit.start(), hit.end(), "masked", 0.3) for hit in _MASKED.finditer(text)]
    return found + [Span(hit.start("id"), hit.end("id"), "wechat", 0.7) for hit in _ACCOUNT.finditer(text)]


def _places(reading: Reading) -> list[Span]:
    found, at = [], 0
    for word, tag in reading.words:
        if tag == "LOC":
            found.append(Span(at, at + len(word), "place", 0.2))
        at += len(word)
    return found


def settled(spans: Sequence[Span]) -> list[Span]:
    """Overlapping spans become one from the first character to the last, under the kind (and level) of the surest, then the longest."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        last = found[-1] if found else None
        if last is None or span.start >= last.end:
            found.append(span)
        else:
            surer = max(last, span, key=lambda one: (one.score, one.end - one.start))
            found[-1] = Span(last.start, max(last.end, span.end), surer.kind, surer.score, surer.level)
    return found


def _without(text: str, spans: Sequence[Span]) -> str:
    parts, at = [], 0
    for span in spans:
        if span.kind == "address" and span.level in WIDE:
            continue
        parts += [text[at:span.start], f"[{LABELS.get(span.kind, '略')}]"]
        at = span.end
    return "".join([*parts, text[at:]])
