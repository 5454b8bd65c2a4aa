"""How a product was made, in words: sources, treatments, what was left out, how persons are protected. Pure.

The sentences are the folder portal's (pipelines/portals/templates/measures.html), which cannot be imported here; a test holds the two
alike, in both languages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ckanext.citylake.wording import Gettext, _n, word
from markupsafe import Markup

Page = Mapping[str, Any]
_TO = {"hour": _n("to the hour"), "day": _n("to the day"), "week": _n("to the week"), "month": _n("to the month"),
       "quarter": _n("to the quarter"), "year": _n("to the year")}
_ADDRESS = {"province": _n("address: province"), "city": _n("address: city"), "district": _n("address: district"),
            "street": _n("address: street"), "community": _n("address: community"), "road": _n("address: road")}
_FIGURES = {"prefix": _n("first {n} characters"), "width": _n("{n} wide"), "step": _n("to {n}")}


def treatment(page: Page, column: Mapping[str, Any], _: Gettext) -> str:
    """What was done to a column, with its detail: `generalised (to the month)`."""
    how = page["protection"].get("treatments", {}).get(column["name"], {})
    said = word("treatment", column["treatment"], _)
    detail = _detail(how, _)
    return f"{said} ({detail})" if detail else said


def _detail(how: Mapping[str, Any], _: Gettext) -> str:
    if how.get("to"):
        return _(_TO.get(how["to"], how["to"]))
    if how.get("address"):
        return _(_ADDRESS.get(how["address"], how["address"]))
    if how.get("parent"):
        return _("to the class above")
    return next((_(text).format(n=how[name]) for name, text in _FIGURES.items() if how.get(name)), "")


def made(page: Page, language: str, _: Gettext) -> list[Markup]:
    """Where the rows come from, how their columns are treated, what stays inside, and what the tier follows from."""
    colon, many, more = _marks(language)
    found = []
    if page["sources"]:
        found.append(Markup("{}{}{}").format(_("Source"), colon, many.join(one[language] for one in page["sources"])))
    found += [Markup("{} (<code>{}</code>){}{}").format(_label(column, language), column["name"], colon, treatment(page, column, _))
              for column in page["columns"] if column["treatment"] != "keep"]
    if page["left_out"]:
        said = _("Left out, as they could concern persons or serve inside only: {n} columns of the source").format(n=sum(page["left_out"].values()))
        each = more.join(f"{level}{colon}{count}" for level, count in sorted(page["left_out"].items()))
        found.append(Markup("{} ({})").format(said, each))
    if page["columns"]:
        level = max(column["level"] for column in page["columns"])
        found.append(Markup("{}").format(
            _("The tier follows from what is left: the highest level of a published column is {level}.").format(level=level)))
    return found


def protected(page: Page, language: str, _: Gettext) -> list[str]:
    """What was done so that nobody can be told apart, a sentence each; nothing where no row or table had to be changed for that."""
    kept, found = page["protection"], []
    if kept.get("least"):
        found.append(_("Groups of fewer than {n} are left out; {left} groups were.").format(n=kept["least"], left=f"{kept.get('left_out', 0):,}"))
    if kept.get("rows") in ("suppress", "mondrian") and kept.get("k"):
        said = (_("Rows that fewer than {k} persons have in common are left out.") if kept["rows"] == "suppress" else
                _("Values are widened until at least {k} persons have them in common.")).format(k=kept["k"])
        left = kept.get("left_out")
        found.append(f"{said} {_('Up to {left} rows were left out.').format(left=f'{left:,}')}" if left else said)
    if kept.get("gcp") is not None and kept.get("ncp"):
        each = _marks(language)[2].join(f"{_label(column, language)} {round(kept['ncp'][column['name']] * 100)} %" for column in page["columns"]
                                        if column["name"] in kept["ncp"])
        found.append(_("What widening has cost: {all} of the detail ({each}).").format(all=f"{round(kept['gcp'] * 100)} %", each=each))
    done = {how["do"] for how in kept.get("treatments", {}).values()}
    if "redact" in done:
        found.append(_("In free text, whatever points to a person is masked: too much rather than too little."))
    if "token" in done:
        found.append(_("Pseudonyms are made with a key of their own for each release."))
    if kept.get("rounded"):
        found.append(_("Counts are rounded to multiples of {n}.").format(n=kept["rounded"]["base"]))
    return found


def caution(page: Page, _: Gettext) -> str:
    """The word of caution below it, where anything was treated; else nothing."""
    kept = page["protection"]
    treated = kept.get("treatments") or kept.get("rows", "hold") != "hold" or kept.get("least")
    return _("This is de-identification, not anonymisation.") if treated else ""


def _label(column: Mapping[str, Any], language: str) -> str:
    return str(column["label" if language == "zh" else "label_en"])


def _marks(language: str) -> Sequence[str]:
    """What stands before an explanation, between names, and between facts."""
    return ("：", "、", "，") if language == "zh" else (": ", ", ", ", ")
