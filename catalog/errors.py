"""The error tree. Every error a person can see is one of these: one English sentence, where, and how to mend it.

    CitylakeError
    ├── DefinitionError     a contract, a city folder or a policy is wrong; everything stops (exit 1)
    │   └── DefinitionErrors    all of them at once
    ├── BadInput            source bytes cannot be read as declared; the batch is held (exit 3)
    ├── Refused             the negative list, or a right that is missing, says no (exit 4)
    ├── LakeError           the lake, a lease, a table or a release is not what the journal says
    ├── PortalError         a portal could not be read or written
    │   └── Drifted         somebody else changed it since the plan
    └── EngineFailure       the query engine failed; its text is dropped, since it may quote values
No message may hold a value, or an undeclared file, sheet or header name.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class CitylakeError(Exception):
    """Root of the tree; `str()` is what a person reads."""

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        dataset: str | None = None,
        file: str | None = None,
        line: int | None = None,
        remedy: str | None = None,
    ) -> None:
        self.message, self.dataset, self.file, self.line, self.remedy = message, dataset, file, line, remedy
        super().__init__(message)

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        parts = [part for part in (where, self.dataset, self.message) if part]
        text = ": ".join(parts)
        return f"{text} {self.remedy}" if self.remedy else text


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a definition file: where, what, and how to mend it."""

    file: str
    line: int
    code: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what} {self.remedy} [{self.code}]"


class DefinitionError(CitylakeError):
    """A contract, a city folder or a policy is wrong."""


class DefinitionErrors(DefinitionError):
    """All the problems of all the files, found in one pass."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class BadInput(CitylakeError):
    """Source bytes that cannot be read as the contract declares."""

    exit_code = 3


class Refused(CitylakeError):
    """An act that a policy or a missing right forbids."""

    exit_code = 4


class LakeError(CitylakeError):
    """The lake is not what its journal says."""


class PortalError(CitylakeError):
    """A portal could not be read or written."""


class Drifted(PortalError):
    """The portal has changed since the plan was made."""


class EngineFailure(CitylakeError):
    """The engine failed; only the class of its error is kept, because its text may quote values."""


def unexpected(error: BaseException) -> str:
    """A sentence for a foreign error: its class and the last of our own lines. Its text may quote values and is dropped."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(ROOT)]
    frames = [frame for frame in frames if ".venv" not in Path(frame.filename).parts]
    at = f" at {Path(frames[-1].filename).relative_to(ROOT)}:{frames[-1].lineno}" if frames else ""
    return f"An unexpected {type(error).__name__}{at}. Its text is not shown, because it may quote values."
