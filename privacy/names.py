"""Names of persons in running text: what the model reads, surnames before titles, and what follows a word that asks for a name.

Too much rather than too little: faint readings count where they begin with a surname (the Hundred Family Surnames and today's
most frequent ones) or are written like a foreign name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files

from privacy.model import Reading
from privacy.spans import Span

_LINES = [line for line in (files("privacy") / "data" / "surnames.txt").read_text(encoding="utf-8").split("\n") if line and line[0] != "#"]
SINGLE, COMPOUND = frozenset(_LINES[0]), frozenset(word for word in _LINES[1].split() if len(word) > 1)
_SURNAME = rf"(?:{'|'.join(sorted(COMPOUND))}|[{''.join(sorted(SINGLE))}])"
_HAN = r"[\u3400-\u9fff\U00020000-\U0003134f]"
TITLES = ("先生|女士|小姐|太太|夫人|阿姨|大爷|大妈|大伯|大叔|叔叔|奶奶|爷爷|师傅|老师|同学|同志|医生|护士|律师|警官|老板|经理|主任|教授|院长|"
          "校长|局长|处长|科长|队长|书记|村长|法官|检察官|主管|店长|房东|某")
CUES = ("姓名|真实姓名|联系人|当事人|来电人|投诉人|举报人|申请人|被申请人|诉求人|反映人|经办人|负责人|法定代表人|法人代表|收件人|收货人|"
        "寄件人|户主|业主|租客|患者|家长|监护人|死者|伤者|受害人|嫌疑人|原告|被告|证人|我叫|名叫|叫做|本人叫|本人是|户名|持卡人|司机|驾驶员|丈夫|妻子|儿子|女儿|父亲|母亲")
_TITLED = re.compile(rf"(?P<name>(?:小|老|阿)?{_SURNAME}{_HAN}{{0,2}}?)(?:{TITLES})")
_AFTER = re.compile(rf"(?:{CUES})(?:为|是|叫)?[：:\s]*(?P<name>{_SURNAME}{_HAN}{{1,2}})(?!{_HAN})")
_WHO = "市民|居民|村民|业主|群众|网友|用户|顾客|乘客|读者|家属|职工|员工|游客|住户|商户|商家|车主|学生|病人|老人|孩子|邻居|同事|房客|租户"
_SAYS = "反映|来电|来信|来访|致电|投诉|举报|求助|咨询|询问|表示|称|说|建议|要求|诉|申请|报警|报案|留言|认为|希望|想"
_NOBODY = f"{_SAYS}|多次|强烈|高度|常年|经常|普遍|集中|连续|双方|全部|于今|于昨|于当|于上|于本"
# For a redaction only: other words than these may stand there too.
_SAYING = re.compile(rf"(?:{_WHO})(?!{_NOBODY})(?P<name>{_SURNAME}{_HAN}{{1,2}})(?={_SAYS})")
_DOTTED = re.compile(rf"{_HAN}{{1,8}}(?:[·•‧]{_HAN}{{1,8}})+")
_SOME = re.compile(rf"(?P<name>{_SURNAME}(?:某{{1,3}}|[×xX*＊○〇]{{1,3}}))")
_LATIN, _SPELLED = re.compile("[A-Za-z]"), re.compile("[A-Za-z][A-Za-z'’-]*(?:[ ·•.]{1,2}[A-Z][A-Za-z'’-]*)*")
_MARKS, _DIGIT = "·•‧", re.compile(r"\d")
_ALL = re.compile(rf"{_HAN}+")
FORMS = (_SOME, _AFTER)
LEAST, DOUBTFUL = 0.5, 0.3      # what scores less is a name once in ten times: a redaction takes it out down to the second, nobody is told


def name_spans(text: str, reading: Reading) -> list[Span]:
    """Places of names, which may overlap. Scores order the voters: as read, read leaning and written like a name, by rule, read leaning
    and not written so; then, below LEAST, what is right once in ten times.

    Where the model reads a place or a body, its leanings say nothing; a place is found as one. A faint reading counts as much as what
    it continues, and by itself hardly.
    """
    words = _words(reading)
    found = [Span(*_whole_words(text, start, end), "name", 0.9) for start, end, tag in words if tag == "PER"]
    found += _by_rule(text, reading, words)
    other = [(start, end) for start, end, tag in words if tag in ("LOC", "ORG")]
    likely = [place for place in reading.likely if place[1] - place[0] > 1 and _leaning(text, *place, other)]
    found += [Span(*_whole_words(text, start, end), "name", _leant(text, start, end)) for start, end in likely]
    faint = [place for place in reading.faint if place[1] - place[0] > 1 and _leaning(text, *place, other)]
    return found + [Span(start, end, "name", _faint(text, start, end, found)) for start, end in faint]


def _leant(text: str, start: int, end: int) -> float:
    """Capitals alone are an abbreviation, rather."""
    if _LATIN.search(text, start, end):
        return 0.3 if text[start:end].isupper() else 0.6
    return 0.85 if like_a_name(text[start:end]) else 0.5


def _faint(text: str, start: int, end: int, found: Sequence[Span]) -> float:
    """Written like a name, or one character more than what is read so: it continues it."""
    written = like_a_name(text[start:end])
    told = {at for one in found if one.score >= LEAST for at in range(max(start, one.start), min(end, one.end))}
    if told:
        return 0.6 if written else 0.5 if end - start - len(told) < 2 else 0.4
    return 0.3 if written else 0.1


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """With all of the Latin words that it begins or ends in."""
    if not _LATIN.search(text, start, end):
        return start, end
    hits = [hit for hit in _SPELLED.finditer(text) if hit.start() < end and start < hit.end()]
    return min([start, *(hit.start() for hit in hits)]), max([end, *(hit.end() for hit in hits)])


def _by_rule(text: str, reading: Reading, words: Sequence[tuple[int, int, str]]) -> list[Span]:
    found = [hit.span("name") for form in FORMS for hit in form.finditer(text)]
    begun = {start: (end, tag) for start, end, tag in words}
    for hit in _TITLED.finditer(text):
        start, end = hit.span("name")
        last, tag = begun.get(start, (0, ""))       # more than a surname begins where a word does, and is not a common word itself
        if end - start == 1 or (last and tag not in ("LOC", "ORG") and (last == start + 1 or last > end or tag == "PER")):
            found.append((start, end))
    said = [Span(*hit.span("name"), "name", DOUBTFUL) for hit in _SAYING.finditer(text)]
    return [Span(start, end, "name", 0.7) for start, end in found] + said + _dots(text, reading, words)


def _dots(text: str, reading: Reading, words: Sequence[tuple[int, int, str]]) -> list[Span]:
    """Foreign names with dots, sooner where the model leans to a name than where it does so faintly: places have such names too."""
    found = []
    for hit in _DOTTED.finditer(text):
        for places, score in ((reading.likely, 0.7), (reading.faint, 0.3)):
            if any(first < hit.end() and hit.start() < last for first, last in places):
                found.append(Span(*_dotted(text, hit.span(), words), "name", score))
                break
    return found


def _words(reading: Reading) -> list[tuple[int, int, str]]:
    found, at = [], 0
    for word, tag in reading.words:
        found.append((at, at + len(word), tag))
        at += len(word)
    return found


def _leaning(text: str, start: int, end: int, other: Sequence[tuple[int, int]]) -> bool:
    return not _DIGIT.search(text, start, end) and not any(first < end and start < last for first, last in other)


def _dotted(text: str, span: tuple[int, int], words: Sequence[tuple[int, int, str]]) -> tuple[int, int]:
    """A name with dots, from the word before its first dot to the word after its last."""
    dots = [at for at in range(*span) if text[at] in _MARKS]
    start = next((first for first, last, _ in reversed(words) if first < dots[0]), span[0])
    end = next((last for first, last, _ in words if last > dots[-1] + 1), span[1])
    return max(start, span[0]), min(end, span[1])


def like_a_name(word: str) -> bool:
    """A surname and one or two characters more (of a compound surname too), or a foreign name with its dot."""
    if _DOTTED.fullmatch(word):
        return True
    single, compound = len(word) in (2, 3) and word[0] in SINGLE, len(word) in (3, 4) and word[:2] in COMPOUND
    return (single or compound) and _ALL.fullmatch(word) is not None
