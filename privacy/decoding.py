"""The best path of tags through a text's scores, exact and without walking over every character.

A linear chain whose transitions are small beside its scores decides most characters alone: a tag that another one beats whatever
stands before and after is on no best path (`kept`). What stays open are short runs between decided characters, searched run by
run, all of one length at once. Where the best path is hardly better than the second, `best` says so and the caller asks the model
in its own way: rounding must not tell a batch from a single call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
MARGIN = 0.05           # by how much at least a tag must be beaten: far more than what rounding does
CLOSE = 5e-6            # times the characters of a text: what rounding on the way could turn (scores reach 16, added up in 24 bits)


@dataclass(frozen=True)
class Chain:
    """Transitions (tags before, tags after); what changing to tag k instead of j costs at most in both (k, j); the worst of it."""

    transitions: Array
    loss: Array
    slack: float


@dataclass(frozen=True)
class Kept:
    """Tags that may stand on the best path: of each character (`row`, rising) each `tag` with its score; how many; the highest score."""

    row: Array
    tag: Array
    score: Array
    count: Array
    top: Array


def chain(transitions: Array) -> Chain:
    into = np.minimum((transitions[:, :, None] - transitions[:, None, :]).min(axis=0), 0)
    out = np.minimum((transitions[:, None, :] - transitions[None, :, :]).min(axis=2), 0)
    loss = (into + out - MARGIN).astype(np.float32)
    return Chain(transitions.astype(np.float64), loss, float(-loss.min()))


def kept(scores: Array, rules: Chain) -> Kept:
    """What may stand on the best path through `scores` (characters, tags)."""
    top, tags = scores.max(axis=1), scores.shape[1]
    row, tag = np.divmod(np.flatnonzero(scores >= (top - np.float32(rules.slack))[:, None]), tags)
    score = scores[row, tag]
    first, is_top = np.zeros(len(scores), dtype=np.int64), score == top[row]
    first[row[is_top]] = tag[is_top]
    stays = score >= top[row] + rules.loss[first[row], tag]
    row, tag, score = row[stays], tag[stays], score[stays]
    return Kept(row, tag, score, np.bincount(row, minlength=len(scores)), top)


def leaning(scores: Array, plain: Kept, group: Sequence[int], leans: Sequence[float], rules: Chain) -> Iterator[tuple[Kept, Array]]:
    """For each of `leans`, added to the tags of `group`: what may stand then, and the characters where such a tag may."""
    short = plain.top - np.maximum.reduce([scores[:, tag] for tag in group])
    for lean in leans:
        touched = np.flatnonzero(short <= np.float32(lean + rules.slack))       # all others stay as they are
        raised = scores[touched]
        raised[:, group] += np.float32(lean)
        anew = kept(raised, rules)
        same = np.ones(len(scores), dtype=bool)
        same[touched] = False
        old = same[plain.row]
        row = np.concatenate([plain.row[old], touched[anew.row]])
        order = np.argsort(row, kind="stable")
        tag = np.concatenate([plain.tag[old], anew.tag])[order]
        score, top = np.concatenate([plain.score[old], anew.score])[order], plain.top.copy()
        top[touched] = anew.top
        found = Kept(row[order], tag, score, np.bincount(row, minlength=len(scores)), top)
        yield found, _bearing(found, group)


def _bearing(found: Kept, group: Sequence[int]) -> Array:
    bears = np.zeros(len(found.count), dtype=bool)
    bears[found.row[np.isin(found.tag, group)]] = True
    return bears


def best(found: Kept, first: Array, rules: Chain, near: float = 0.0, only: Array | None = None) -> tuple[Array, Array]:
    """The best path, one tag a character, and the characters at which the second best comes `near`. `first`: where a text begins.

    With `only`, open runs without any of these characters are left as they come.
    """
    offset = np.cumsum(found.count) - found.count
    path, close = found.tag[offset], [np.empty(0, dtype=np.int64)]
    for rows in _runs(found.count > 1, first, only):
        close.append(rows[_search(found, offset, path, rows, first, rules, near), 0])
    return path, np.concatenate(close)


def _runs(many: Array, first: Array, only: Array | None) -> Iterator[Array]:
    """The rows of each run of open characters, together by length: (runs, length)."""
    begins = np.flatnonzero(many & ~(np.concatenate(([False], many[:-1])) & ~first))
    stops = np.flatnonzero(many & ~(np.concatenate((many[1:], [False])) & ~np.concatenate((first[1:], [True]))))
    if only is not None:
        seen = np.concatenate(([0], np.cumsum(only)))
        asked = seen[stops + 1] > seen[begins]
        begins, stops = begins[asked], stops[asked]
    lengths = stops - begins + 1
    for length in np.unique(lengths).tolist():
        yield begins[lengths == length, None] + np.arange(length)


def _search(found: Kept, offset: Array, path: Array, rows: Array, first: Array, rules: Chain, near: float) -> Array:
    """Writes the best tags of these runs into `path`; which runs were close."""
    runs, length = rows.shape
    most = int(found.count[rows].max())
    place = offset[rows][:, :, None] + np.arange(most)
    inside = np.arange(most) < found.count[rows][:, :, None]
    place = np.where(inside, place, 0)
    tags, scores = found.tag[place], np.where(inside, found.score[place].astype(np.float64), -np.inf)
    before, after = rows[:, 0] - 1, rows[:, -1] + 1
    led, followed = ~first[rows[:, 0]], np.append(~first, False)[after]
    scores[:, 0] += np.where(led[:, None], rules.transitions[path[before][:, None], tags[:, 0]], 0.0)
    scores[:, -1] += np.where(followed[:, None], rules.transitions[tags[:, -1], path[after % len(path)][:, None]], 0.0)
    reached, steps = scores[:, 0], []
    for at in range(1, length):
        steps.append(reached[:, :, None] + rules.transitions[tags[:, at - 1, :, None], tags[:, at, None, :]])
        reached = steps[-1].max(axis=1) + scores[:, at]
    every = np.arange(runs)
    chosen, close = _chosen(reached, near)
    path[rows[:, -1]] = tags[every, -1, chosen]
    for at in range(length - 1, 0, -1):
        chosen, also = _chosen(steps[at - 1][every, :, chosen], near)
        close |= also
        path[rows[:, at - 1]] = tags[every, at - 1, chosen]
    return close


def _chosen(values: Array, near: float) -> tuple[Array, Array]:
    """The best of each row, and whether the second is close to it."""
    top = values.argmax(axis=1)
    return top, (values >= values.max(axis=1, keepdims=True) - near).sum(axis=1) > 1



def alone(scores: Array, rules: Chain) -> Array:
    """The best path through one text's `scores` in the model's own way: every tag, one character after the other, in 24 bits."""
    transitions = rules.transitions.astype(np.float32)
    reached, back = scores[0], []
    for row in scores[1:]:
        step = reached[:, None] + transitions
        back.append(step.argmax(axis=0))
        reached = step.max(axis=0) + row
    path = [int(reached.argmax())]
    for before in reversed(back):
        path.append(int(before[path[-1]]))
    return np.array(path[::-1])
