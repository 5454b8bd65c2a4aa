"""What the demo city shows of the negative list and of the gate, scene by scene, and where to see it: read from the journals after a run.

A scene that did not come about is not told; tests/test_console_demo.py asks for all of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from catalog.errors import Problem
from console.tables import facts, style
from console.tally import key_of
from console.words import _
from pipelines.source_check import check_all
from pipelines.state import Hold
from pipelines.way import Way

NOT_ALLOWED = "insurance_reference.odcs.yaml"       # its purpose is none that the rule of its data allows


@dataclass(frozen=True)
class Scene:
    """One state: `part` groups, `said` tells it, `rule` is the finding or ruling that proves it. `subject`: dataset or product."""

    part: str
    said: str
    outcome: str
    subject: str
    rule: str

    @property
    def dataset(self) -> str:
        return ".".join(self.subject.split(".")[:2])

    @property
    def product(self) -> str:
        return self.subject.split(".")[2]


A, B, C, D = ("a. State secrets are neither collected nor used", "b. Personal data only within a collection rule, and only for its purposes",
              "c. Nothing is collected twice", "The gate: what may leave, and how")
SCENES = (
    Scene(A, "An element that the negative list excludes (a blood group): no byte is fetched", "refused", "health.blood_donors", "excluded"),
    Scene(A, "Words that point to a military site: the secrecy officer decides", "held", "urban_management.waste_sites", "secrecy.strong"),
    Scene(A, "Places and stocks of grain depots meet in a query: not a row is computed", "held", "data_bureau.granary_overview", "joins.dataset"),
    Scene(B, "Mobile numbers in a remark, and no rule for them", "refused", "urban_management.waste_sites", "collection.rule"),
    Scene(B, "ID numbers among complaints: a kind that the rule does not list", "refused", "letters_calls.hotline_cases", "collection.kinds"),
    Scene(B, "More rows in one batch than the rule permits", "refused", "health.infectious_reports", "collection.quantity"),
    Scene(B, "More rows within 31 days than the rule permits", "refused", "civil_affairs.elder_allowances", "collection.window"),
    Scene(B, "Six hours after the last one, where the rule says twenty", "refused", "civil_affairs.elder_allowances", "collection.frequency"),
    Scene(B, "Persons from another city, whom the rule is not about", "refused", "civil_affairs.elder_allowances", "collection.scope"),
    Scene(B, "Files, where the rule permits a database only", "refused", "culture.show_bookings", "collection.mode"),
    Scene(B, "After the last day of the rule", "refused", "culture.course_signups", "collection.validity"),
    Scene(B, "A use that no rule allows: the contract itself is refused", "refused", "data_bureau.insurance_reference", "collection.purposes"),
    Scene(B, "A batch that was over its thirty days: erased from every table and file", "erased", "transport.lost_items", "retain"),
    Scene(C, "Names of legal representatives under another column name: the register has them", "refused", "urban_management.sign_permits",
          "shared.values"),
    Scene(D, "Leaves as it is: no column is about a person", "PASS", "transport.bus_stops.main", "PASS"),
    Scene(D, "District and band of age only; at least twenty are alike", "PASS_TREATED", "civil_affairs.elder_allowances.main", "PASS_TREATED"),
    Scene(D, "Words of callers, persons masked by the language model; case numbers are tokens; rows of small groups are left out", "PASS_TREATED",
          "letters_calls.revisits.texts", "PASS_TREATED"),
    Scene(D, "Birth years, sexes and districts widened until five are alike, with the least loss; the loss stands with the release",
          "PASS_TREATED", "culture.library_readers.readers", "PASS_TREATED"),
    Scene(D, "Counts by district, month and class, rounded; groups under ten are left out", "PASS_TREATED", "health.infectious_reports.summary",
          "PASS_TREATED"),
    Scene(D, "Agents wrote callers' numbers into titles", "HOLD", "letters_calls.hotline_cases.cases", "screen.mobile.title"),
    Scene(D, "Harmless alone; beside the allowances it tells elders apart", "HOLD", "health.elder_checkups.main", "exposure.joint"),
    Scene(D, "Reports of single patients: prohibited, never built", "DENY", "health.infectious_reports.main", "DENY"),
)


@dataclass(frozen=True)
class Shown:
    """A scene that came about, and the command that shows it."""

    scene: Scene
    look: str


def shown(way: Way) -> list[Shown]:
    """The scenes that came about, in order."""
    found = ((scene, _look(way, scene)) for scene in SCENES)
    return [Shown(scene, look) for scene, look in found if look]


def _look(way: Way, scene: Scene) -> str:
    """The command that shows a scene; '' where it did not come about."""
    if scene.rule == "collection.purposes":
        return f"CITYLAKE_CITY={_spoilt(way)} citylake check" if not_allowed(way) else ""
    contract, state = way.city.contracts.get(scene.dataset), way.journal.state(scene.dataset)
    if contract is None:
        return ""
    if scene.rule == "retain":
        return f"citylake audit show {scene.dataset}" if state.forgotten else ""
    if scene.outcome in ("held", "HOLD"):
        return next((f"citylake hold show {key_of(hold.id)}" for hold in state.holds.values() if _names(hold, scene.rule)), "")
    if scene.outcome == "refused":
        return f"citylake audit show {scene.dataset}" if scene.rule in set(refusals(way, scene.dataset)) else ""
    ruling = state.last.get(f"serve/{scene.product}", {}).get("ruling", {}).get("ruling")
    return (f"citylake release show {scene.subject}" if state.release(scene.product) else f"citylake status {scene.dataset}") \
        if ruling == scene.rule else ""


def _names(hold: Hold, rule: str) -> bool:
    return any(finding["rule"] == rule for finding in hold.findings)


def refusals(way: Way, dataset: str) -> Iterator[str]:
    """The rules for which batches of a dataset were refused, ever."""
    for record in way.journal.records(dataset):
        for item in record.body.get("refused", ()) if record.kind == "ingest" else ():
            yield from (finding["rule"] for finding in item["findings"] if not finding["passed"])


def _spoilt(way: Way) -> Path:
    return way.settings.state / "spoilt-city"


def not_allowed(way: Way) -> Sequence[Problem]:
    """What `citylake check` says of the city with one contract more, whose purpose its data do not allow."""
    folder = _spoilt(way)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(way.settings.city, folder)
    name = f"datasets/data_bureau/{NOT_ALLOWED}"
    (folder / name).write_bytes((files("console.demo") / "not_allowed" / NOT_ALLOWED).read_bytes())
    return [problem for problem in check_all(folder)[1] if problem.code == "collection.purposes" and problem.file == name]


def told(way: Way) -> list[str]:
    """The scenes by part: the outcome, what happened, and where to see it."""
    found, here = shown(way), f"{Path.cwd()}/"
    lines: list[str] = []
    for part in dict.fromkeys(one.scene.part for one in found):
        pairs = [(_(one.scene.outcome), "\n".join([_(one.scene.said), *_where(one, here)])) for one in found if one.scene.part == part]
        lines += ["", style(_(part), "bold"), *facts(pairs)]
    return ["", style(_("What this city shows, and where to see it"), "bold"), *lines] if lines else []


def _where(one: Shown, here: str) -> list[str]:
    """The command, and before it the dataset or product where the command does not name it."""
    return [*([one.scene.subject] if one.scene.subject not in one.look else []), f"> {one.look.replace(here, '')}"]
