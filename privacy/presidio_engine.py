"""Presidio's analyzer over our language model and our recognisers: a second reader of single texts, as one source of evidence.

Presidio warns and goes on where we must not: a kind that nobody recognises, a pattern that times out, a recogniser of its default
set, a word list behind `\\W` (Han characters are `\\w`). Here each of these raises, and whoever asked HOLDS. Nothing is logged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from presidio_analyzer import AnalyzerEngine, EntityRecognizer, PatternRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from spacy.tokens import Doc
from spacy.vocab import Vocab

from catalog.errors import CitylakeError
from privacy.addresses import address_spans
from privacy.identifiers import MASKED, SPECS
from privacy.model import Model, Reading
from privacy.names import name_spans
from privacy.recognisers import spans_in
from privacy.spans import Span
from privacy.text import FORMS, form_spans
from privacy.topics import TOPICS, topic_spans

LANGUAGE = "zh"
Finder = Callable[[str, Reading], Sequence[Span]]
_STRUCTURED = frozenset(spec.kind for spec in (*SPECS, MASKED) if spec.cores)


class Unrecognised(CitylakeError):
    """Presidio was asked for what it cannot tell for certain."""


class Words(NlpEngine):
    """The language model as Presidio's: tokens and lemmas are its words, so that cue words before a finding are seen."""

    def __init__(self, model: Model) -> None:
        self._model, self._vocabulary = model, Vocab()

    def load(self) -> None:
        """Loaded before it came here."""

    def is_loaded(self) -> bool:
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """One text's words."""
        return next(artifacts for _, artifacts in self.process_batch([text], language))

    def process_batch(self, texts: Iterable[str], language: str, *_: Any, **__: Any) -> Iterator[tuple[str, NlpArtifacts]]:
        """Each text with its words; in batches of the model's own making."""
        given = list(texts)
        for text, reading in zip(given, self._model.read(given), strict=True):
            yield text, self._artifacts(reading, language)

    def _artifacts(self, reading: Reading, language: str) -> NlpArtifacts:
        words = [word for word, _ in reading.words]
        tokens = Doc(self._vocabulary, words=words, spaces=[False] * len(words))
        made = NlpArtifacts([], tokens, [token.idx for token in tokens], words, self, language)
        made.reading = reading  # type: ignore[attr-defined]    # what our own recognisers read
        return made

    def is_stopword(self, word: str, language: str) -> bool:
        return False

    def is_punct(self, word: str, language: str) -> bool:
        return not any(mark.isalnum() for mark in word)

    def get_supported_entities(self) -> list[str]:
        """None of its own: names and places are our recognisers'."""
        return []

    def get_supported_languages(self) -> list[str]:
        return [LANGUAGE]


class Ours(EntityRecognizer):
    """One of our finders as Presidio's recogniser."""

    def __init__(self, name: str, kinds: Iterable[str], finder: Finder) -> None:
        super().__init__(sorted(kinds), name=name, supported_language=LANGUAGE)
        self._finder = finder

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None) -> list[RecognizerResult]:
        """The finder's spans of the kinds asked for."""
        reading = getattr(nlp_artifacts, "reading", None)
        if reading is None:
            raise Unrecognised("A text came to the recognisers without the language model's words.", remedy="Ask the engine, not a recogniser.")
        return [RecognizerResult(span.kind, span.start, span.end, span.score) for span in self._finder(text, reading) if span.kind in entities]


def ours() -> list[EntityRecognizer]:
    """Identifiers, names, addresses and topics."""
    return [
        Ours("identifiers", _STRUCTURED, lambda text, _: spans_in(text)),
        Ours("names", ("name",), name_spans),
        Ours("addresses", ("address",), lambda text, reading: address_spans(text, reading.words)),
        Ours("topics", TOPICS, lambda text, _: topic_spans(text)),
        Ours("forms", ("address", "masked", "wechat", *FORMS), lambda text, _: form_spans(text)),
    ]


class Engine:
    """Presidio with exactly these recognisers."""

    def __init__(self, model: Model, more: Iterable[EntityRecognizer] = ()) -> None:
        recognisers = [*ours(), *more]
        for one in recognisers:
            _strict(one)
        registry = RecognizerRegistry(recognizers=recognisers, supported_languages=[LANGUAGE])
        self._analyzer = AnalyzerEngine(registry=registry, nlp_engine=Words(model), supported_languages=[LANGUAGE])
        self.kinds = frozenset(kind for one in recognisers for kind in one.supported_entities)

    def analyze(self, text: str, kinds: Iterable[str] | None = None, context: Sequence[str] = (), least: float = 0.0) -> list[Span]:
        """What Presidio finds, by place; `context` are words from around the text, such as its column's header."""
        asked = sorted(self.kinds if kinds is None else kinds)
        if not asked or not self.kinds.issuperset(asked):
            raise Unrecognised("Presidio was asked for kinds that no recogniser knows.", remedy="Ask for kinds of the table of identifiers.")
        found = self._analyzer.analyze(text, LANGUAGE, entities=asked, context=list(context), score_threshold=least)
        return sorted((Span(one.start, one.end, one.entity_type, one.score) for one in found), key=lambda span: (span.start, -span.end, span.kind))


def _strict(one: EntityRecognizer) -> None:
    if isinstance(one, PatternRecognizer) and (one.deny_list or type(one).analyze is PatternRecognizer.analyze):
        raise Unrecognised("A pattern recogniser that passes over time-outs, or one with a deny list, is not used.",
                           remedy="Take those of privacy/presidio_specs.py, which raise.")
