"""Our part of a contract: the one strict model behind ODCS `customProperties: [{property: citylake, value: …}]`.

Here is only what a steward writes. What the program works with is catalog/contract.py.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Tier = Literal["unconditional", "restricted", "prohibited"]
Field5 = Literal["economy", "environment", "culture", "health", "urban"]
Merge = Literal["append", "upsert", "snapshot"]
Grain = Literal["year", "month", "day"]
Refresh = Literal["hourly", "daily", "weekly", "monthly", "quarterly", "yearly", "irregular"]
FileFormat = Literal["csv", "parquet", "jsonl", "json", "xlsx", "geojson"]
Identifier = Literal[
    "resident_id", "disability_card", "residence_permit", "hmt_residence_permit", "hk_macao_permit", "taiwan_permit", "foreigner_permit",
    "passport", "officer_card", "mobile", "landline", "social_credit_code", "bank_card", "plate", "email", "ip", "mac", "imei",
    "url_token", "wechat", "qq", "vin", "social_security", "coordinates", "name", "address",
]
AddressLevel = Literal["province", "city", "district", "street", "community", "road"]
AddressPart = Literal[
    "province", "city", "district", "street", "community", "road", "level", "district_code", "street_code", "community_code",
    "standard", "code", "key", "building_key", "gate_key", "estate_key",
]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
DatasetId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]


class Strict(BaseModel):
    """Frozen, refuses unknown keys, and never coerces (a YAML `no` is not a string)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Label(Strict):
    """A text for people, in both languages of the portal."""

    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class Contact(Strict):
    """Who answers questions about the dataset (shown on the portal: an office, not a person's own number)."""

    name: Annotated[str, Field(min_length=1)]
    email: str | None = None
    phone: str | None = None
    address: str | None = None


class Source(Strict):
    """Where batches of this dataset come from. All sources of a dataset deliver the same columns."""

    id: Name = "main"
    system: Name
    connector: str = "files"
    options: dict[str, Any] = Field(default_factory=dict, description="Options of the connector: path, member, time_format …")
    format: dict[str, Any] = Field(default_factory=dict, description="name and options; what is missing is detected and recorded")
    aliases: dict[str, Name] = Field(default_factory=dict, description="Headers of this source only, to column names")
    leave_out: list[str] = Field(
        default_factory=list, description="Headers that raw, bronze and what follows never hold; a held file waits whole in holding"
    )


class Input(Strict):
    """Another dataset's silver, as a view named `name` for `query`."""

    dataset: DatasetId
    name: Name


class Volume(Strict):
    """Volume guard: a batch outside these bounds is held."""

    min_rows: Annotated[int, Field(ge=0)] = 1
    max_rows: Annotated[int, Field(ge=1)] | None = None
    max_shrink: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Largest accepted loss of rows against the batch before, as a share; snapshots default to 0.5"
    )


class Period(Strict):
    """Partitions silver, gold and the published files by a date or timestamp column."""

    column: Name
    grain: Grain


class Update(Strict):
    """The promise of updates, kept in working days of the city's calendar."""

    every: Refresh
    within_working_days: Annotated[int, Field(ge=0)] = 5


class Keep(Strict):
    """Leaves as it is."""

    do: Literal["keep"]


class Drop(Strict):
    """Does not leave."""

    do: Literal["drop"]


class Mask(Strict):
    """Keeps `left` and `right` characters, replaces the others by `*`; a value of which that hides less than a third is masked whole."""

    do: Literal["mask"]
    left: Annotated[int, Field(ge=0)] = 0
    right: Annotated[int, Field(ge=0)] = 0


class Token(Strict):
    """A keyed pseudonym (HMAC-SHA256 under the release's key); equal values get equal tokens within one release of the product."""

    do: Literal["token"]


class Generalise(Strict):
    """A coarser value: the first `prefix` characters, a date's `to` period, the parent in a code list, or an address cut off
    after the level `address`.
    """

    do: Literal["generalise"]
    prefix: Annotated[int, Field(ge=1)] | None = None
    to: Grain | None = None
    parent: bool = False
    address: AddressLevel | None = None


class Round(Strict):
    """The nearest multiple of `step`, half away from zero."""

    do: Literal["round"]
    step: Annotated[float, Field(gt=0)] | Annotated[int, Field(gt=0)]


class Band(Strict):
    """The band of `width` that holds the value, written `20-24` for whole numbers; of a date the band of its year."""

    do: Literal["band"]
    width: Annotated[int, Field(ge=2)]


class Cap(Strict):
    """Bottom and top coding: what lies below `bottom` or above `top` becomes that bound."""

    do: Literal["cap"]
    bottom: Annotated[float | int, Field()] | None = None
    top: Annotated[float | int, Field()] | None = None


class Redact(Strict):
    """Free text in which everything that points to a person is replaced by the name of its kind, such as [姓名]; rather too much."""

    do: Literal["redact"]


class Shift(Strict):
    """A date moved by up to `days`, by the same number of days for all rows of the subject that the column `by` names (keyed)."""

    do: Literal["shift"]
    by: Name
    days: Annotated[int, Field(ge=7, le=366)] = 30


Treatment = Annotated[Keep | Drop | Mask | Token | Generalise | Round | Band | Cap | Redact | Shift, Field(discriminator="do")]


class Aggregate(Strict):
    """Publishes groups instead of rows: `by` columns (treated) and measures such as `count(*)` or `sum(amount)`."""

    by: Annotated[list[Name], Field(min_length=1)]
    measures: Annotated[dict[Name, str], Field(min_length=1)]
    min_group: Annotated[int, Field(ge=1)] = Field(default=1, description="Groups of fewer rows are left out")


class Disclosure(Strict):
    """What is done so that nobody can be told apart in the product (thresholds: the policy's)."""

    rows: Literal["hold", "suppress", "mondrian"] = Field(
        default="hold", description="Rows in classes under k: hold the release, leave them out, or generalise the quasi-identifiers further"
    )
    cells: Literal["primary", "secondary"] = Field(
        default="primary", description="Groups under min_group are left out; secondary: so are those that would tell them by subtraction"
    )
    round_counts: Annotated[int, Field(ge=2)] | None = Field(default=None, description="Counts are rounded to multiples of this")
    noise_epsilon: Annotated[float, Field(gt=0, le=10)] | None = Field(default=None, description="Counts get geometric noise of this epsilon")


class Product(Strict):
    """One outward form of the dataset. A column that is not named here does not leave."""

    name: Name = "main"
    title: Label | None = None
    tier: Tier
    purpose: Name
    columns: Annotated[dict[Name, Treatment], Field(min_length=1)]
    filter: str | None = Field(default=None, description="SQL condition; may only read columns that leave")
    aggregate: Aggregate | None = None
    disclosure: Disclosure = Disclosure()
    formats: Annotated[list[FileFormat], Field(min_length=1)] = ["csv", "parquet"]
    conditions: Label | None = Field(default=None, description="Restricted: on which conditions it is given out")
    catalog_entry: bool = Field(default=True, description="Prohibited: whether at least its entry may be shown")


class DatasetFields(Strict):
    """Everything ODCS has no field for, at the level of the dataset."""

    department: Name
    title: Label
    summary: Label
    field: Field5
    licence: Annotated[str, Field(min_length=1)]
    rights_holder: Annotated[str, Field(min_length=1)]
    legal_basis: Annotated[str, Field(min_length=1)]
    attribution: str | None = None
    contact: Contact
    author: Name = Field(description="Who last changed the contract (people.yaml); may not decide its holds")
    update: Update
    purposes: Annotated[list[Name], Field(min_length=1)]
    sources: list[Source] | None = None
    inputs: list[Input] | None = None
    query: str | None = None
    refresh: Refresh = "daily"
    merge: Merge = "append"
    newest_by: Name | None = Field(default=None, description="Upsert: the column that tells the newer row; else arrival")
    period: Period | None = None
    collection_rule: str | None = None
    subjects: Name | None = Field(default=None, description="Whom the rows are about, one name for one population in all datasets")
    joins: list[str] = Field(
        default=[], description="Joining rules of the negative list that its elements are known to come under; the secrecy officer decides"
    )
    volume: Volume = Volume()
    max_bad_percent: Annotated[float, Field(ge=0, le=100)] = Field(
        default=5.0, description="Share of rows that may fail a derived rule (type, required, code list) before the dataset is held"
    )
    products: Annotated[list[Product], Field(min_length=1)]


Standardise = Literal["fold_width", "collapse_space", "upper", "lower", "strip_zero_fraction", "strip_thousands"]


class FromAddress(Strict):
    """A column that refine computes: `part` of the standard address that the text column `column` holds; NULL where it is not certain."""

    column: Name
    part: AddressPart


class ColumnFields(Strict):
    """Everything ODCS has no field for, at the level of a column."""

    aliases: list[str] = Field(default_factory=list, description="Headers of the source that mean this column")
    label_en: str | None = None
    codes: str | None = Field(default=None, description="Shared code list (codes/<id>.csv) that values must come from")
    codes_at: Name | None = Field(default=None, description="Date column at which the code must be valid")
    nulls: list[str] = Field(default_factory=list, description="Words that mean 'no value', beside the defaults of the type")
    standardise: list[Standardise] = Field(default_factory=list)
    unit: str | None = None
    strip_unit: list[str] = Field(default_factory=list, description="Unit words cut off the end of the value")
    factor: float | int | None = Field(default=None, description="Source value times this is the value in `unit`")
    identifies: Identifier | None = Field(default=None, description="Which identifier this column holds")
    from_address: FromAddress | None = Field(default=None, description="Computed from an address column; no source delivers it")
    person: bool = Field(default=False, description="Holds facts about a natural person")
    element: str | None = Field(default=None, description="The shared data element that this column is (negative list, clause c)")
    quasi: bool = Field(default=False, description="Quasi-identifier: with others of its kind it tells persons apart (GB/T 37964)")
    sensitive: bool = Field(default=False, description="What nobody may learn about a person from the group they are in (l-diversity)")
    subject: bool = Field(default=False, description="Names whom the row is about, in any form")
