"""The negative list as it is written: one strict model for the base list and for a city's additions.

Every entry has its legal basis and says whether the article was read (`verified`). What follows from it is elsewhere.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[list[Text], Field(min_length=1)]
Count = Annotated[int, Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Entry(_Strict):
    """What every entry has."""

    id: Text
    legal_basis: Text
    verified: bool


class Category(Entry):
    """A kind of secret (State Secrets Law Art. 13) and the words that point to it."""

    title: str
    strong: list[Text] = Field(default_factory=list, description="One row with such a word holds the batch")
    weak: list[Text] = Field(default_factory=list, description="Held when `weak_rows` rows have one")


class Excluded(Entry):
    """A department or data element that is never collected."""

    kind: Literal["department", "dataset", "element"]
    name: Text


class JoinRule(Entry):
    """Elements that are harmless alone and become secret together (State Secrets Law Art. 13, 35)."""

    elements: Annotated[list[Text], Field(min_length=2)]


class Quantity(_Strict):
    """How many rows: of one batch, and of all batches within a rolling window of days."""

    rows_per_batch: Count
    rows_per_window: Count | None = None
    window_days: Count | None = None

    @model_validator(mode="after")
    def _both(self) -> Quantity:
        if (self.rows_per_window is None) != (self.window_days is None):
            raise ValueError("a window needs rows_per_window and window_days")
        return self


class Frequency(_Strict):
    """How often: hours between two collections from one source, at least."""

    min_interval_hours: Annotated[float | int, Field(ge=0)]


class Limit(_Strict):
    """What a column may hold: one of `values`, or something that begins with one of `prefixes` (area codes).

    An empty cell is outside, unless `optional`.
    """

    column: Text
    prefixes: list[Text] = Field(default_factory=list)
    values: list[Text] = Field(default_factory=list)
    optional: bool = False

    @model_validator(mode="after")
    def _something(self) -> Limit:
        if not (self.prefixes or self.values):
            raise ValueError("a limit needs prefixes or values")
        return self


class Scope(_Strict):
    """Whom the collection is about, in words, and the limits by which that is measured."""

    subjects: Text
    limits: list[Limit] = Field(default_factory=list)


class CollectionRule(Entry):
    """A permitted collection of personal data and what it may be used for (PIPL Art. 6, 13, 19, 34)."""

    department: Text
    datasets: Texts
    purposes: Texts
    kinds: list[str]
    quantity: Quantity
    frequency: Frequency
    mode: Annotated[list[Text], Field(min_length=1, description="Connectors through which it may come")]
    scope: Scope
    retention_days: Count
    valid_from: str
    valid_to: str


class SharedElement(Entry):
    """An element that an authoritative department shares already, so that nobody collects it again.

    `column` is the column of the `authoritative` dataset whose values are compared by keyed sketches.
    """

    element: Text
    names: list[Text] = Field(default_factory=list)
    codes: list[Text] = Field(default_factory=list)
    authoritative: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
    column: Text
    containment_deny: Annotated[float | int, Field(gt=0, le=1)] = 0.5


class Thresholds(_Strict):
    """Disclosure control: how many persons a published row must be lost among (k), and what the group may tell (l, t).

    k ≥ 20 unconditional and k ≥ 5 with l ≥ 2 restricted are the city's own choice (cf. GB/T 42460-2023, GB/T 37964-2019).
    """

    k_unconditional: Annotated[int, Field(ge=2)] = 20
    k_restricted: Annotated[int, Field(ge=2)] = 5
    l_restricted: Annotated[int, Field(ge=1)] = 2
    t_restricted: Annotated[float, Field(gt=0, le=1)] | None = None
    entropy_l_restricted: Annotated[float, Field(ge=1)] | None = None
    cell_unconditional: Annotated[int, Field(ge=1)] = 10
    cell_restricted: Annotated[int, Field(ge=1)] = 5


class PolicyFile(_Strict):
    """One file: the base list that ships, or a city's additions."""

    version: Count
    weak_rows: Count | None = None
    thresholds: Thresholds | None = None
    secrets: list[Category] = Field(default_factory=list)
    excluded: list[Excluded] = Field(default_factory=list)
    joins: list[JoinRule] = Field(default_factory=list)
    collection_rules: list[CollectionRule] = Field(default_factory=list)
    shared_elements: list[SharedElement] = Field(default_factory=list)

    def ids(self) -> list[str]:
        """Ids of all entries of all clauses."""
        return [entry.id for part in (self.secrets, self.excluded, self.joins, self.collection_rules, self.shared_elements) for entry in part]
