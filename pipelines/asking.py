"""What is asked of texts with the language model, answered where the engine computes: on Spark by its workers, with the model's files that
are shipped to them. A worker with other rules, or with files that are not the measured ones, answers nothing, and whoever asked HOLDS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from catalog.extension import Treatment
from pipelines.engines import Session, Unanswered
from privacy.column_texts import LOOK_VERSION, Looks, looks
from privacy.lookups import Unready, treated
from privacy.model import ModelMissing, load, model_files, settle

Judge = Callable[[Sequence[str]], Sequence[str | None]]


@dataclass(frozen=True)
class Asked:
    """See `pipelines.engines.Question`. `judge` is a function of a module and goes to the workers by its name: they run their own copy of
    the rules, which must be this process's.
    """

    judge: Judge
    rules: str = LOOK_VERSION

    def files(self) -> Sequence[Path]:
        return model_files()

    def answers(self, texts: Sequence[str], folder: Path | None) -> Sequence[str | None]:
        if self.rules != LOOK_VERSION:
            raise ModelMissing("A worker has other rules for texts.", remedy="Install the same citylake on every worker.")
        if folder is not None:
            settle(folder)
        return self.judge(texts)


def looks_by(session: Session) -> Looks:
    """Who looks at a column's texts in this session."""
    return lambda texts: [int(one or 0) for one in _answers(session, texts, _looked)]


def treated_by(session: Session, column: str, how: Treatment, values: Sequence[str], near: str) -> list[str | None]:
    """See `privacy.lookups.treated`. Raises Unready, or ModelMissing where a worker has not the measured model."""
    return _answers(session, values, partial(_treated, column, how, near))


def _answers(session: Session, texts: Sequence[str], judge: Judge) -> list[str | None]:
    try:
        return session.ask(texts, Asked(judge))
    except Unanswered as error:
        if error.why in (ModelMissing.__name__, Unready.__name__):
            raise ModelMissing("A worker has not the language model that was measured.",
                               remedy="See docs/scale.md, «texts on workers»; until then everything that needs it is held.") from None
        raise


def _looked(texts: Sequence[str]) -> list[str]:
    return [str(one) for one in looks(load(), texts)]


def _treated(column: str, how: Treatment, near: str, values: Sequence[str]) -> list[str | None]:
    return treated(column, how, values, near)
