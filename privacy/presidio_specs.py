"""The table of identifiers as Presidio recognisers, one for each kind that has a form.

Presidio's own pattern recogniser logs a time-out and goes on, drops a match whose checksum fails, and finds no boundary beside a
Chinese character. These raise instead, let a checksum change the score only, and read the folded text as the screen does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import regex  # type: ignore[import-untyped]
from presidio_analyzer import AnalysisExplanation, EntityRecognizer, Pattern, PatternRecognizer, RecognizerResult

from catalog.errors import CitylakeError
from privacy.checksums import quad
from privacy.folding import GAP, folded
from privacy.identifiers import MASKED, SPECS, Spec
from privacy.pattern_forms import after, before, gappy
from privacy.recognisers import SCREEN_VERSION

if TYPE_CHECKING:
    from presidio_analyzer.nlp_engine import NlpArtifacts

LANGUAGE = "zh"
SECONDS = 5.0                   # for one pattern on one text


class RecogniserFailed(CitylakeError):
    """A recogniser ran out of time or broke: whoever asked must hold."""


def presidio_recognisers(seconds: float = SECONDS) -> list[EntityRecognizer]:
    """One recogniser for each specification with a form; `seconds` is the time that one pattern may take on one text."""
    return [SpecRecogniser(spec, seconds) for spec in (*SPECS, MASKED) if spec.cores]


class SpecRecogniser(PatternRecognizer):
    """One specification. Words nearby are Presidio's business (`context`); without them the score is the form's own."""

    def __init__(self, spec: Spec, seconds: float = SECONDS) -> None:
        patterns = [Pattern(f"{spec.kind} {at}", f"{spec.lead or before(spec.edge, core)}(?P<hit>{gappy(core, spec.gaps)}){after(spec.edge)}",
                            max(spec.bare, spec.odd))
                    for at, core in enumerate(spec.cores)]
        self._title = f"citylake {spec.kind}"
        super().__init__(spec.kind, name=self._title, supported_language=LANGUAGE, patterns=patterns,
                         context=[cue.lower() for cue in spec.cues], version=SCREEN_VERSION)
        self._spec, self._seconds = spec, seconds
        self._forms = [(pattern, regex.compile(pattern.regex)) for pattern in patterns]

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None, regex_flags: int | None = None,
                ) -> list[RecognizerResult]:
        """Every match in the text's own characters, weak ones too. Raises RecogniserFailed on a time-out or any other error."""
        if self._spec.kind not in entities:
            return []
        try:
            return self._results(text)
        except Exception:      # the text of a foreign error may hold a value
            raise RecogniserFailed(f"The recogniser of {self._spec.kind} did not finish.", remedy="Hold what it was to look at.") from None

    def _results(self, text: str) -> list[RecognizerResult]:
        line, places = folded(text)
        found: dict[tuple[int, int], RecognizerResult] = {}
        for pattern, form in self._forms:
            for match in form.finditer(line, overlapped=True, timeout=self._seconds):
                start, end = match.span("hit")
                span = (start, end) if places is None else (places[start], places[end - 1] + 1)
                if self._spec.gaps and quad(line[start:end]):
                    continue
                found.setdefault(span, self._result(pattern, line[start:end], *span))
        return list(found.values())

    def _result(self, pattern: Pattern, hit: str, start: int, end: int) -> RecognizerResult:
        spec, compact = self._spec, GAP.sub("", hit) if self._spec.gaps else hit
        shaped = spec.shape(compact)
        checked = shaped and spec.check is not None and spec.check(compact)
        score = spec.checked if checked else spec.bare if shaped else spec.odd
        why = AnalysisExplanation(self._title, score, pattern.name, validation_result=checked)
        metadata: dict[str, Any] = {RecognizerResult.RECOGNIZER_NAME_KEY: self._title, RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id}
        return RecognizerResult(spec.kind, start, end, score, why, metadata)
