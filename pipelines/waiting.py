"""What a step raises when it cannot go on now and nobody has done wrong: it holds, and the next run tries again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Protocol, TypeVar

from catalog.errors import CitylakeError
from pipelines.doubts import unjudged
from pipelines.products import Outward
from privacy.lookups import Unready
from privacy.model import ModelMissing

A = TypeVar("A")
J = TypeVar("J", bound="Job")
R = TypeVar("R")


class Waiting(CitylakeError):
    """A write cannot be made now, for want of what it needs, and its table was not touched; `body` is the record of the hold."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = body
        super().__init__("It waits for what it needs.")


class Job(Protocol):
    """One making of a product; `waiting` is the record of a hold before gold is written."""

    outward: Outward

    def waiting(self, hold: Mapping[str, Any], written: Mapping[str, int]) -> Mapping[str, Any]: ...


def equipped(work: Callable[[J, A], R]) -> Callable[[J, A], R]:
    """Holds where those who treat texts turn out, at work, not to have the measured model."""
    @wraps(work)
    def done(job: J, given: A) -> R:
        try:
            return work(job, given)
        except (Unready, ModelMissing) as error:
            raise Waiting(job.waiting(unjudged(job.outward, type(error).__name__), {})) from None
    return done
