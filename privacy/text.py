"""Everything in a free text that points to a person, in one pass, and the text without it. Too much rather than too little.

Precedence where findings overlap: what reaches furthest wins, and overlapping ones are joined under its name, so that nothing
between two of them stays readable.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from catalog.canonical import fingerprint
from privacy.model import MODEL_VERSION, Model, Reading
from privacy.names import COMPOUND, CUES, SINGLE, TITLES, name_spans
from privacy.recognisers import SCREEN_VERSION, spans_in
from privacy.spans import Span

LABELS = {"name": "姓名", "address": "地址", "mobile": "电话", "landline": "电话", "email": "邮箱", "resident_id": "证件号", "bank_card": "账号",
          "plate": "车牌", "wechat": "账号", "qq": "账号", "number": "号码", "place": "地点", "url_token": "链接", "social_credit_code": "代码"}
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
_PLATE = re.compile(rf"[{_PROVINCES}][\s·•.-]?[A-Za-zＡ-Ｚ](?:[\s·•.-]{{0,2}}[A-Za-z0-9０-９Ａ-Ｚ]){{5,6}}[学警港澳挂]?")
# Rather any longer number than one too few: cards, permits, accounts, orders. Six digits or more, in groups or not.
_NUMBER = re.compile(r"[A-Za-zＡ-Ｚ]{0,4}\d(?:[\s·.—–-]{0,2}\d){5,}[A-Za-z\d]*")
_ACCOUNT = re.compile(r"(?:微信|[Ww]e[Cc]hat|vx|VX|QQ|qq|扣扣|微博|抖音|旺旺|支付宝)(?:号码|账号|号|名)?[是为：:\s]*"
                      r"(?P<id>[A-Za-z0-9][A-Za-z0-9_-]{4,})")
_LINK = re.compile(r"(?:https?://|www\.)[A-Za-z0-9./?&=%_#:~+-]+", re.ASCII)
_DOOR = re.compile(r"[0-9０-９一二三四五六七八九十百〇零]+(?:号(?!线|文|令|台风|公告|提案)|弄|幢|栋|座|单元|楼|层|室|户|组|巷|房)"
                   r"(?:[0-9０-９A-Za-z]+(?:号|室|幢|单元)?)*")
FORMS = {"plate": _PLATE, "number": _NUMBER, "url_token": _LINK, "address": _DOOR}
TEXT_VERSION = fingerprint(2, SCREEN_VERSION, MODEL_VERSION, sorted(SINGLE), sorted(COMPOUND), TITLES, CUES,
                           [form.pattern for form in (*FORMS.values(), _ACCOUNT)])[:16]


def find(texts: Sequence[str], model: Model) -> list[list[Span]]:
    """Spans of each text, in order and without overlap. Once per distinct text."""
    distinct = list(dict.fromkeys(texts))
    found = {text: _settled(_spans(text, reading)) for text, reading in zip(distinct, model.read(distinct), strict=True)}
    return [found[text] for text in texts]


def redact(texts: Sequence[str], model: Model) -> list[str]:
    """Each text with every span replaced by the name of its kind, such as [姓名]."""
    return [_without(text, spans) for text, spans in zip(texts, find(texts, model), strict=True)]


def _spans(text: str, reading: Reading) -> list[Span]:
    found = [*spans_in(text), *name_spans(text, reading)]
    for kind, form in FORMS.items():
        found += [Span(hit.start(), hit.end(), kind, 0.5) for hit in form.finditer(text)]
    found += [Span(hit.start("id"), hit.end("id"), "wechat", 0.7) for hit in _ACCOUNT.finditer(text)]
    at = 0
    for word, tag in reading.words:
        if tag == "LOC":
            found.append(Span(at, at + len(word), "place", 0.4))
        at += len(word)
    return found


def _settled(spans: Sequence[Span]) -> list[Span]:
    """Overlapping spans become one from the first character to the last, under the kind of the longest."""
    settled: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end, -one.score)):
        last = settled[-1] if settled else None
        if last is None or span.start >= last.end:
            settled.append(span)
        elif span.end > last.end:
            kind = max(last, span, key=lambda one: (one.end - one.start, one.score)).kind
            settled[-1] = Span(last.start, span.end, kind, max(last.score, span.score))
    return settled


def _without(text: str, spans: Sequence[Span]) -> str:
    parts, at = [], 0
    for span in spans:
        parts += [text[at:span.start], f"[{LABELS.get(span.kind, '略')}]"]
        at = span.end
    return "".join([*parts, text[at:]])
