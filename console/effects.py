"""`citylake check --effect DATASET`: what a contract would do to the data in force, before it is merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from console.demands import demand
from console.explain import explained
from console.frame import DONE, HELD, REFUSED
from console.output import say, show_json, tell
from console.tables import Column, listed, style, table
from console.words import _, language, noted
from pipelines.settings import Settings

if TYPE_CHECKING:
    from catalog.contract import Contract
    from catalog.evidence import CheckSpec
    from pipelines.effect import Effect, Outlet, Side
    from pipelines.foreseen import Foreseen


def show_effect(settings: Settings, dataset: str, as_json: bool) -> int:
    """Prints the effect; returns the exit code: 4 where the negative list forbids the dataset, else 3 where something would be held."""
    from pipelines.effect import effect
    from pipelines.way import open_way
    from quality.specs import specs

    way = open_way(settings)
    contract = way.contract(dataset)
    barred = way.policy.excludes(contract) or ""
    found = effect(way, contract)
    if found is None:
        if as_json:
            show_json({"dataset": dataset, "data": False, "barred": barred})
        elif barred:
            say(*_barred(barred))
        else:
            tell(_("No data of {dataset} are in force yet: `citylake run {dataset}` takes them in.").format(dataset=dataset))
        return REFUSED if barred else DONE
    stops = found.then.outcome == "held" or any(then.outcome == "held" for _now, then in found.products.values())
    if as_json:
        show_json({**_plain(found), "data": True, "would_be_held": stops})
    else:
        checks = {spec.id: spec for spec in specs(contract, way.city.codes)}
        say(*_lines(contract, checks, found))
        tell(_("Nothing was changed. Merge the contract and run `citylake run {dataset}` to make it so.").format(dataset=dataset))
    return REFUSED if barred else HELD if stops or found.next else DONE


def _plain(found: Effect) -> dict[str, Any]:
    from catalog.canonical import plain

    document: dict[str, Any] = plain(found)
    document["products"] = {name: {"now": plain(now), "then": plain(then), **_differ(now.leaves, then.leaves)}
                            for name, (now, then) in found.products.items()}
    return {**document, "columns": _differ(dict.fromkeys(found.now.columns, ""), dict.fromkeys(found.then.columns, ""))}


def _differ(now: Mapping[str, str], then: Mapping[str, str]) -> dict[str, list[str]]:
    return {"comes": [name for name in then if name not in now], "goes": [name for name in now if name not in then],
            "changes": [f"{name} {now[name]} → {then[name]}" for name in then if name in now and now[name] != then[name]]}


def _lines(contract: Contract, checks: Mapping[str, CheckSpec], found: Effect) -> Iterator[str]:
    now, then = found.now, found.then
    yield style(found.dataset, "bold")
    if found.barred:
        yield from [*_barred(found.barred), ""]
    yield from table([Column(""), Column(_("Now"), right=True), Column(_("Then"), right=True), Column(_("Change"), right=True)], [
        [_("rows"), _number(now.rows), _number(then.rows), _change(now.rows, then.rows)],
        [_("rows in quarantine"), _number(now.quarantined), _number(then.quarantined), _change(now.quarantined, then.quarantined)],
        [_("outcome"), _(now.outcome), _("would be held") if then.outcome == "held" else _(then.outcome), ""]])
    yield ""
    yield from _checks(contract, checks, now, then)
    if texts := _told(_differ(dict.fromkeys(now.columns, ""), dict.fromkeys(then.columns, ""))):
        yield from [style(_("Columns"), "bold"), *listed(texts), ""]
    for name, (before, after) in found.products.items():
        yield from _product(f"{found.dataset}.{name}", before, after)
    for one in found.next:
        yield from listed(_next(one), "! ")
    if found.unread:
        yield from listed([_("Not read yet, and counted as empty: {columns}. `citylake replay {dataset}` reads them from raw.").format(
            columns=", ".join(found.unread), dataset=found.dataset)], "! ")
    if found.derived:
        yield from listed([_("Computed from it, and made again with it: {datasets}.").format(datasets=", ".join(found.derived))], "! ")


def _barred(entry: str) -> list[str]:
    """What no contract can change."""
    return listed([_("The negative list forbids to collect this dataset (entry {entry}): whatever the contract says, its sources are not asked and"
                     " nothing of it comes in. Only the bureau can take the entry out of negative_list.yaml.").format(entry=entry)], "! ")


def _next(one: Foreseen) -> list[str]:
    """Why the next delivery of a source would be held, and what prevents it."""
    texts = []
    if one.positions or (not one.sure and one.dropped):
        where = ", ".join(map(str, one.positions)) or "–"
        named = ", ".join(one.dropped) or "–"
        texts.append(_("The next delivery of {source} would be held: nothing declares the columns {numbers} of a file like the newest. No longer in"
                       " the contract: {columns}. Declare them, or list their headers under `leave_out:` of the source.").format(
                           source=one.source, numbers=where, columns=named) if one.sure else
                     _("A delivery of {source} that brings {columns} would be held: they are no longer in the contract. Declare them, or list"
                       " their headers under `leave_out:` of the source.").format(source=one.source, columns=named))
    if one.lost:
        texts.append(_("The next delivery of {source} would be held: a file like the newest lacks required columns: {columns}.").format(
            source=one.source, columns=", ".join(one.lost)))
    return texts


def _checks(contract: Contract, checks: Mapping[str, CheckSpec], now: Side, then: Side) -> Iterator[str]:
    """Every check that rows fail on one side or the other, those that get worse first; then in words what each demands and what stops the
    table as a whole.
    """
    rules = sorted({*now.bad, *then.bad}, key=lambda rule: (now.bad.get(rule, 0) - then.bad.get(rule, 0), rule))
    if rules:
        columns = [Column(_("Rows that fail")), Column(_("Now"), right=True), Column(_("Then"), right=True), Column(_("Change"), right=True)]
        counts = [(rule, now.bad.get(rule, 0), then.bad.get(rule, 0)) for rule in rules]
        yield from table(columns, [[rule, f"{before:,}", f"{after:,}", _change(before, after)] for rule, before, after in counts])
        yield ""
    elif not then.failing:
        yield from [_("No row fails a check, now or then."), ""]
    failed = {one["rule"] for one in now.failing}
    parts = {_("Would fail"): [one for one in then.failing if one["rule"] not in failed],
             _("Would still fail"): [one for one in then.failing if one["rule"] in failed], _("Would pass, with rows that fail"): then.told}
    for title, found in parts.items():
        if found:
            yield from [style(title, "bold"), *listed([demand(contract, checks.get(one["rule"]), one) for one in found]), ""]
    if mended := failed - {one["rule"] for one in then.failing}:
        yield from [style(_("Would no longer fail"), "bold"), *listed(sorted(mended)), ""]


def _told(differ: Mapping[str, list[str]]) -> list[str]:
    told = [(_("come: {columns}"), differ["comes"]), (_("go: {columns}"), differ["goes"]), (_("change: {columns}"), differ["changes"])]
    return [text.format(columns=", ".join(names)) for text, names in told if names]


def _product(name: str, now: Outlet, then: Outlet) -> Iterator[str]:
    yield style(name, "bold")
    if then.outcome == "removed":
        yield from [*listed([_("no longer declared: it leaves every portal")]), ""]
        return
    texts = [_("tier: {now} → {then}").format(now=_(now.tier) if now.tier else _("no release"), then=_(then.tier or "")) if now.tier != then.tier
             else _("tier: {then}, as now").format(then=_(then.tier or ""))]
    if then.rows is not None and then.tier != "prohibited":
        texts.append(_("rows: {now} → {then}").format(now=_number(now.rows), then=_number(then.rows)))
    if then.declared:
        texts.append(_("not {declared}, as the contract asks: {why}").format(
            declared=_(then.declared), why=" ".join(noted(one) for one in then.ceiling)))
    texts += _told(_differ(now.leaves, then.leaves))
    if then.outcome == "held":
        texts.append(_("would be held: {why}").format(why=" ".join(noted(one) for one in then.findings) or _("its rows are held")))
        known = [explained(str(one["rule"]), "serve") for one in then.findings if not one["passed"]]
        texts += [f"{_('Resolved by')}{'：' if language() == 'zh' else ': '}{_(text)}" for text in dict.fromkeys(one.remedy for one in known if one)]
    if then.outcome == "withdrawn":
        texts.append(_("stays withdrawn"))
    yield from [*listed(texts), ""]


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _change(now: int | None, then: int | None) -> str:
    if now is None or then is None:
        return ""
    return _("same") if now == then else f"{then - now:+,}"


