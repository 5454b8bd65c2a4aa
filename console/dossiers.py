"""`citylake audit show PRODUCT[/rN]`: the dossier of one release, for a terminal or as a page that stands alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from catalog.entry import TIER_NAMES
from console.tables import Column, facts, listed, style, table
from console.words import _, counted, language, noted, translated
from pipelines.moments import day, minute

Part = Mapping[str, Any]


def page(found: Part) -> str:
    """The dossier as one HTML file in the chosen language: no script, no request to anywhere, made to be printed."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    env = Environment(loader=PackageLoader("console", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                      lstrip_blocks=True)
    env.filters |= {"thousands": lambda number: f"{number:,}" if number is not None else "–", "when": partial(minute, zone=found["zone"])}
    sheet = files("console").joinpath("templates/dossier.css").read_text(encoding="utf-8")
    rows = {"screening": list(screening(found)), "since": [(part, told(part)) for part in found["since"]]}
    return env.get_template("dossier.html").render(
        _=_, d=found, language=language(), style=sheet, noted=noted, how=how, shortened=shortened, rows=rows,
        protection=protection(found["protection"], labelled(found["treatments"])), counted=counted, keyed=keyed,
        tier=TIER_NAMES[found["tier"]][language()], places=_places(), sections=_sections(), verdict=verdict, translated=translated)


def write(found: Part, target: Path) -> None:
    """Writes the page, readable by its owner only: who may see it is for the owner to say."""
    target.write_text(page(found), encoding="utf-8")
    target.chmod(0o600)


def shortened(text: str | None) -> str:
    return text[:12] if text else "–"


def how(treatment: Part | None) -> str:
    """A treatment in words; its figures behind it."""
    if treatment is None:
        return _("changed in the contract since")
    more = ", ".join(f"{name} {value}" for name, value in treatment.items() if name != "do" and value not in (None, 0, False, ""))
    return f"{_(treatment['do'])} ({more})" if more else _(treatment["do"])


def protection(kept: Part, labels: Mapping[str, str]) -> list[str]:
    """What was done so that no row stands for few persons, in sentences: values widened, what that cost, rows left out. `labels`: of columns."""
    found = []
    if kept.get("rows") in ("suppress", "mondrian") and kept.get("k"):
        found.append((_("Rows that fewer than {k} persons have in common are left out.") if kept["rows"] == "suppress" else
                      _("Values are widened until at least {k} persons have them in common.")).format(k=kept["k"]))
    if kept.get("gcp") is not None and kept.get("ncp"):
        mark = "，" if language() == "zh" else ", "
        each = mark.join(f"{labels.get(name, name)} {round(loss * 100)} %" for name, loss in kept["ncp"].items())
        found.append(_("What widening has cost: {all} % of the detail ({each}).").format(all=round(kept["gcp"] * 100), each=each))
    if kept.get("left_out"):
        found.append(_("{n} rows were left out so that classes are large enough.").format(n=kept["left_out"]))
    return found


def labelled(treatments: list[Part]) -> dict[str, str]:
    """Column → its label in the chosen language."""
    return {one["column"]: one["label"] if language() == "zh" else one["label_en"] for one in treatments}


def verdict(finding: Part) -> str:
    """The result of a check: passed, failed, or a remark that holds nothing up."""
    return _("passed") if finding["passed"] else _("failed") if finding["severity"] == "block" else _("warning")


def keyed(finding: Part) -> list[str]:
    """The keyed hashes of what a finding speaks of: the same value has the same hash, and nobody without the key knows which."""
    hashes = (finding.get("observed") or {}).get("hashes") or ()
    return [str(one) for one in hashes] if isinstance(hashes, list | tuple) else [str(one) for many in hashes.values() for one in many]


def screening(found: Part) -> Iterator[tuple[str, str, list[Part]]]:
    """What looked at the release: its name, the version of its rules, its findings."""
    evidence = found["screening"]
    names = {"verdict": _("Identifiers in the released bytes"), "disclosure": _("How many share each class"),
             "exposure": _("What is out already about the same subjects")}
    for part, title in names.items():
        if evidence[part]:
            yield title, evidence[part]["rules"], evidence[part]["findings"]
    if evidence["findings"]:
        yield _("The tier that the columns allow"), found["rules"], evidence["findings"]


def told(part: Part) -> str:
    """What happened after the release, in a line."""
    return {
        "publish": lambda: _("portal {portal} shows {release} as {shown}").format(
            portal=part["portal"], release=part["published"] or "–", shown=_(part["shown"])),
        "rollback": lambda: _("back from r{before} to r{after} by {person}: {reason}").format(
            **{**part, "before": part["from"], "after": part["to"]}),
        "withdrawing": lambda: _("withdrawn: {reason} ({basis})").format(**part["tombstone"]),
        "withdrawn": lambda: _("gone from every portal"),
        "accepted": lambda: _("hand edit of {fields} on {portal} accepted by {person}: {reason}").format(
            **{**part, "fields": ", ".join(part["fields"])}),
        "judged": lambda: _("judged again under rules {rules}: {outcome}").format(rules=part["rules"], outcome=_(part["outcome"])),
        "erase": lambda: _("its files were erased: over their time"),
    }[part["act"]]()


def _sections() -> dict[str, str]:
    return {"way": _("The way"), "checks": _("Checks"), "screening": _("Screening"), "treatments": _("Treatments"), "decisions": _("Decisions"),
            "since": _("Since the release"), "files": _("Files and hashes"), "verify": _("Verify it yourself")}


def _places() -> dict[str, str]:
    """Where a command of the dossier is run."""
    return {"files": _("In a folder with the released files, as downloaded from a portal"), "lake": _("In the lake's folder"),
            "program": _("Anywhere, with citylake")}


def lines(found: Part) -> Iterator[str]:
    """The dossier for a terminal: its heads and counts; the page and --json have all of it."""
    when = partial(minute, zone=found["zone"])
    title = found["title"][language()]
    yield style(f"{found['product']} {found['release']} · {title}", "bold")
    yield from facts([
        (_("Date"), when(found["at"])), (_("Time zone"), found["zone"]),
        (_("Tier"), TIER_NAMES[found["tier"]][language()]), (_("Standing"), _(found["standing"])),
        (_("Ruling"), _(found["ruling"] or "–")), (_("Rows"), found["rows"]), (_("Contract"), found["contract"]["then"]),
        ("sha256", found["hash"]), (_("Record"), f"{found['journal']['file']}\n{found['journal']['sha256']}")])
    for step in found["way"]:
        yield from _step(step, found["zone"])
    yield from _findings(_("Checks"), found["checks"]["findings"])
    for name, _rules, findings in screening(found):
        yield from _findings(name, findings)
    yield from _listed(_("Treatments"), [*_leaving(found["treatments"]), *protection(found["protection"], labelled(found["treatments"]))])
    for hold in found["holds"]:
        yield from _hold(hold, found["zone"])
    yield from _listed(_("Since the release"), [f"{when(part['at'])} {told(part)}" for part in found["since"]])
    yield ""
    yield from listed([_("All of it, with the commands that verify it: --html FILE or --json.")], "")


def _leaving(treatments: list[Part]) -> list[str]:
    """One line a treatment, with the columns that left so."""
    columns: dict[str, list[str]] = {}
    for one in treatments:
        columns.setdefault(how(one["how"]), []).append(one["column"])
    return [f"{treatment}: {', '.join(names)}" for treatment, names in columns.items()]


def _step(step: Part, zone: str) -> Iterator[str]:
    versions = ", ".join(f"{name.split('/')[0]}@{version}" for name, version in sorted(step["versions"].items()))
    yield from ("", style(f"{_('The way')} · {step['dataset']}", "bold"), f"  {versions}")
    yield from ("  " + line for line in table(
        [Column(_("Batch")), Column(_("Source")), Column(_("Date")), Column(_("Rows"), right=True), Column("sha256")],
        [[batch["id"], batch["source"], day(batch["at"], zone), batch["rows"], shortened(batch["sha256"])] for batch in step["batches"][-10:]]))
    if len(step["batches"]) > 10:
        yield "  " + counted(len(step["batches"]) - 10, "and {n} more", "and {n} more")


def _findings(title: str, findings: list[Part]) -> Iterator[str]:
    bad = [one for one in findings if not one["passed"]]
    if not findings:
        yield from ("", style(title, "bold") + f" · {_('Nothing was found.')}")
        return
    yield from ("", style(title, "bold") + f" · {counted(len(findings), '{n} check', '{n} checks')}, {_('{n} failed').format(n=len(bad))}")
    for one in bad:
        yield from listed([f"{one['rule']}: {noted(one)}"], "  ")


def _hold(hold: Part, zone: str) -> Iterator[str]:
    yield from ("", style(f"{_('held')} {hold['hold']}", "bold"))
    for decision in hold["decisions"]:
        who = decision["name"] or decision["person"]
        yield from listed([f"{minute(decision['at'], zone)} " + _("{verdict} by {person}: {reason}").format(
            verdict=_(decision["verdict"]), person=who, reason=decision["reason"])], "  ")


def _listed(title: str, texts: list[str]) -> Iterator[str]:
    if texts:
        yield from ("", style(title, "bold"))
        for text in texts:
            yield from listed([text], "  ")
