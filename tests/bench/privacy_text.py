"""Scores of names, identifiers and addresses in free text on the shared corpora, beside stock Presidio.

Exact: same characters. Covered: a gold span has every character found, under whatever kind. Characters: recall of gold characters,
precision of found ones, and the share of a text's other characters that are taken out. Nothing of a text is printed.
Run: `PYTHONPATH=tests python -m bench.privacy_text [corpus ...]`
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from bench.privacy_bars import Row, at_least, rows, table

from privacy.model import Model, load
from privacy.names import LEAST
from privacy.spans import Span
from privacy.text import candidates, find, settled

CORPORA: Mapping[str, int] = {"synth_hotline": 3000, "cluener_train": 10_748, "weibo_train": 1350, "pd_dev": 1000, "resume_dev": 463,
                              "boson_1600": 500, "zjaddr_dev": 1000}
# Label of the corpora → our kinds. Of hard negatives (NEG_…), what comes from a recogniser counts as wrong.
KINDS: Mapping[str, tuple[str, ...]] = {
    "PERSON": ("name",), "CN_MOBILE": ("mobile",), "CN_ID_CARD": ("resident_id",), "CN_BANK_CARD": ("bank_card",),
    "CN_USCC": ("social_credit_code",), "CN_PLATE": ("plate",), "EMAIL_ADDRESS": ("email",), "CN_LANDLINE": ("landline",),
    "CN_PASSPORT": ("passport",), "CN_DISABLED": ("disability_card",), "ADDRESS": ("address", "place"), "LOC": ("address", "place"),
}
STRUCTURED = tuple(label for label in KINDS if label.startswith("CN_") or label == "EMAIL_ADDRESS")
THRESHOLDS = (0.9, 0.85, 0.7, 0.6, LEAST, 0.4, 0.3, 0.0)
# Corpus → bars: names covered, precision of their characters, door-level address characters.
NAMES: Mapping[str, tuple[float, float]] = {"synth_hotline": (0.95, 0.6), "cluener_train": (0.88, 0.6)}
Finder = Callable[[Sequence[str]], list[list[Span]]]


def mask(length: int, spans: Iterator[tuple[int, int]]) -> Any:
    """Which of a text's characters lie in a span."""
    made = np.zeros(length, dtype=bool)
    for start, end in spans:
        made[start:end] = True
    return made


def score(corpus: Sequence[Row], found: Sequence[Sequence[Span]]) -> dict[str, dict[str, float]]:
    """Label → its figures; `all`: how much of the texts is taken out without need."""
    tally: dict[str, Counter[str]] = {}
    for row, spans in zip(corpus, found, strict=True):
        length, gold = len(row["text"]), row["spans"]
        anything = mask(length, ((span.start, span.end) for span in spans))
        tally.setdefault("all", Counter()).update(
            free=int((~mask(length, ((one["start"], one["end"]) for one in gold))).sum()),
            taken=int((anything & ~mask(length, ((one["start"], one["end"]) for one in gold))).sum()))
        for one in gold:
            _gold(tally.setdefault(one["label"], Counter()), one, spans, anything)
        for label, kinds in KINDS.items():
            ours = mask(length, ((span.start, span.end) for span in spans if span.kind in kinds))
            theirs = mask(length, ((one["start"], one["end"]) for one in gold if KINDS.get(one["label"], ("",))[0] == kinds[0]))
            tally.setdefault(label, Counter()).update(said=sum(span.kind in kinds for span in spans), ours=int(ours.sum()),
                                                      right=int((ours & theirs).sum()),
                                                      wrong=sum(span.kind in kinds and not theirs[span.start:span.end].any() for span in spans))
    return {label: _figures(label, counts) for label, counts in tally.items() if label == "all" or counts["gold"]}


def _gold(counts: Counter[str], one: Row, spans: Sequence[Span], anything: Any) -> None:
    kinds = KINDS.get(one["label"], ())
    inside = anything[one["start"]:one["end"]]
    counts.update(gold=1, cover=int(inside.all()), characters=len(inside), hit=int(inside.sum()),
                  exact=int(any((span.start, span.end) == (one["start"], one["end"]) and span.kind in kinds for span in spans)),
                  kind=int(any(span.kind in kinds and span.start < one["end"] and one["start"] < span.end for span in spans)))


def _figures(label: str, counts: Counter[str]) -> dict[str, float]:
    if label == "all":
        return {"taken of the rest": counts["taken"] / max(counts["free"], 1)}
    made = {"n": counts["gold"], "cover": counts["cover"] / counts["gold"], "charR": counts["hit"] / counts["characters"]}
    if label in KINDS:
        recall, precision = counts["exact"] / counts["gold"], counts["exact"] / max(counts["said"], 1)
        made |= {"P": precision, "R": recall, "F1": 2 * recall * precision / max(recall + precision, 1e-9), "kindR": counts["kind"] / counts["gold"],
                 "kindP": 1 - counts["wrong"] / max(counts["said"], 1), "charP": counts["right"] / max(counts["ours"], 1)}
    return made


def curve(corpus: Sequence[Row], model: Model) -> list[tuple[float, float, float]]:
    """Names alone at each threshold: (threshold, covered, precision of characters)."""
    texts = [row["text"] for row in corpus]
    names = [[span for span in candidates(text, reading) if span.kind == "name"] for text, reading in zip(texts, model.read(texts), strict=True)]
    return [(least, *told) for least in THRESHOLDS if (told := _names(corpus, [[one for one in spans if one.score >= least] for spans in names]))]


def voters(corpus: Sequence[Row], model: Model) -> list[tuple[str, float, float]]:
    """Each voter alone and all together; none was trained on a scored set by us: (voter, covered, precision of characters)."""
    readings = model.read([row["text"] for row in corpus])
    ruled = [[span for span in candidates(row["text"], reading) if span.kind == "name" and span.score == 0.7]
             for row, reading in zip(corpus, readings, strict=True)]

    def placed(all_places: Sequence[Sequence[tuple[int, int]]]) -> list[list[Span]]:
        return [[Span(start, end, "name", 1.0) for start, end in places] for places in all_places]

    read = placed([_read(reading.words) for reading in readings])
    sides = {"LAC as read": read, "LAC likely (lean 1.0)": placed([reading.likely for reading in readings]),
             "LAC faint (lean 2.5)": placed([reading.faint for reading in readings]), "surnames, titles, cues, dots": ruled,
             "LAC as read and rules": [[*one, *two] for one, two in zip(read, ruled, strict=True)],
             "all of these": [[*one, *two, *three] for one, two, three in zip(read, placed([one.faint for one in readings]), ruled, strict=True)],
             "ours": [[span for span in spans if span.kind == "name"] for spans in find([row["text"] for row in corpus], model)]}
    return [(name, *told) for name, spans in sides.items() if (told := _names(corpus, spans))]


def _read(words: Sequence[tuple[str, str]]) -> list[tuple[int, int]]:
    ends = np.cumsum([0, *(len(word) for word, _ in words)]).tolist()
    return [(start, end) for (_, tag), start, end in zip(words, ends, ends[1:], strict=False) if tag == "PER"]


def _names(corpus: Sequence[Row], spans: Sequence[Sequence[Span]]) -> tuple[float, float] | None:
    figures = score(corpus, [settled(one) for one in spans]).get("PERSON")
    return (figures["cover"], figures["charP"]) if figures else None


def presidio() -> Finder:
    """Stock Presidio: its registry for `zh` over spaCy's blank Chinese. Its e-mail recogniser asks the network for a list: not here."""
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())

    class Blank(SpacyNlpEngine):
        def __init__(self) -> None:
            super().__init__(models=[{"lang_code": "zh", "model_name": "blank"}])
            self.nlp = {"zh": spacy.blank("zh")}

    registry = RecognizerRegistry(supported_languages=["zh"])
    registry.load_predefined_recognizers(languages=["zh"])
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["zh"])
    names = {"PHONE_NUMBER": "mobile", "CREDIT_CARD": "bank_card", "PERSON": "name", "LOCATION": "address", "EMAIL_ADDRESS": "email"}
    return lambda texts: [[Span(one.start, one.end, names.get(one.entity_type, one.entity_type), one.score)
                           for one in engine.analyze(text, "zh")] for text in texts]


HEADER = ("corpus", "entity", "n", "precision", "recall", "F1", "covered", "characters found", "right of the found", "stock: covered", "stock: F1")


def lines(name: str, ours: Mapping[str, Mapping[str, float]], stock: Mapping[str, Mapping[str, float]]) -> Iterator[list[str | float]]:
    """A table's lines: our figures, and stock Presidio's beside."""
    for label, figures in sorted(ours.items()):
        beside = stock.get(label, {})
        if label == "all":
            yield [name, "taken of the rest", "", "", "", "", figures["taken of the rest"], "", "", beside.get("taken of the rest", 0.0), ""]
            continue
        known = [figures.get(key, "") for key in ("P", "R", "F1")]
        yield [name, label, str(int(figures["n"])), *known, figures["cover"], figures["charR"], figures.get("charP", ""),
               beside.get("cover", 0.0), beside.get("F1", "")]


def bars(name: str, figures: Mapping[str, Mapping[str, float]]) -> list[bool]:
    kept = []
    for label in STRUCTURED if name == "synth_hotline" else ():
        if label in figures:
            kept += [at_least(figures[label]["cover"], 0.999, f"{name} {label} covered"),
                     at_least(figures[label]["kindP"], 0.98, f"{name} {label} precision")]
    if name in NAMES:
        covered, right = NAMES[name]
        kept += [at_least(figures["PERSON"]["cover"], covered, f"{name} names covered"),
                 at_least(figures["PERSON"]["charP"], right, f"{name} right of the characters found as names")]
    if "ADDRESS" in figures and name == "synth_hotline":
        kept.append(at_least(figures["ADDRESS"]["charR"], 0.95, f"{name} address characters"))
    return kept


def main(corpora: Sequence[str] = ()) -> int:
    model, stock = load(), presidio()
    told, points, kept = [], [], []
    for name in corpora or CORPORA:
        corpus = rows(name, CORPORA[name])
        texts = [row["text"] for row in corpus]
        figures, few = score(corpus, find(texts, model)), corpus[:1000]
        told += list(lines(name, figures, score(few, stock([row["text"] for row in few]))))
        kept += bars(name, figures)
        points += [(name, f"from score {least}", covered, right) for least, covered, right in curve(corpus, model)]
        points += [(name, voter, covered, right) for voter, covered, right in voters(corpus, model)] if "PERSON" in figures else []
    print("Stock Presidio reads the first 1,000 texts of each corpus.")
    table(HEADER, told)
    table(("corpus", "names alone", "covered", "right of the characters found"), points)
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
