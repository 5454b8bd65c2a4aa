"""What about a release needs a person: identifiers in its bytes, and a tier looser than before. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.canonical import fingerprint, plain
from catalog.evidence import Finding, Verdict
from pipelines.products import TIERS, Outward
from pipelines.state import State

UNSEEN = "screen.unseen."
UNJUDGED = f"{UNSEEN}release"
NOBODYS = (UNSEEN, "screen.certain.")     # what was not looked at, and what is no doubt: nobody can approve it


def doubts_of(
    outward: Outward, rules: str, digest: str, verdicts: Sequence[Verdict], loosened: Mapping[str, str] | None, leaving: Mapping[str, str],
    withdrawn: Sequence[str] = (),
) -> list[Mapping[str, Any]]:
    """The holds of a release: these very bytes, once a verdict, for the privacy officer (where all that stops it are doubts about a known set
    of values, these values in this form); the looser tier (which takes two people), and what is derived from a withdrawn product, for the
    bureau until it ends.
    """
    found = []
    for verdict in verdicts:
        if not verdict.blocking:
            continue
        found.append(_hold(outward, _doubted(outward, verdict, rules, leaving) or fingerprint(digest, rules, plain(verdict.blocking)),
                           "privacy_officer", verdict.blocking))
    if loosened:
        note = f"The tier would be looser: {loosened['tier']} became {outward.tier}."
        subject = fingerprint("tier", outward.contract.id, outward.product.name, loosened, outward.tier)
        causes = {"columns": [column.name for column in outward.columns]}
        found.append({**_hold(outward, subject, "bureau", (Finding("tier.looser", False, "block", note, observed=causes),)), "people": 2})
    if withdrawn:
        note = f"It is derived from what was withdrawn: {', '.join(withdrawn)}."
        subject = fingerprint("input.withdrawn", outward.contract.id, outward.product.name, list(withdrawn))
        found.append(_hold(outward, subject, "bureau", (Finding("input.withdrawn", False, "block", note),)))
    return found


def _doubted(outward: Outward, verdict: Verdict, rules: str, leaving: Mapping[str, str]) -> str:
    """What an officer's word on doubts is about, so that it is not asked for again for other bytes with the very same doubts; or ``."""
    doubts = [(found.rule, found.observed.get("set")) for found in verdict.blocking]
    if verdict.kind != "screening" or not all(known for _, known in doubts):
        return ""
    return fingerprint("screen.doubt", outward.contract.id, outward.product.name, outward.tier, leaving, rules, sorted(map(str, doubts)))


def _hold(outward: Outward, subject: str, role: str, blocking: tuple[Finding, ...]) -> Mapping[str, Any]:
    dataset, product = outward.contract.id, outward.product.name
    return {"id": f"{dataset}/serve/{product}/{subject[:12]}", "step": "serve", "target": product, "subject": subject, "role": role,
            "approvable": not any(finding.rule.startswith(NOBODYS) for finding in blocking), "findings": plain(blocking)}


def unscreened(outward: Outward, columns: Sequence[str]) -> Mapping[str, Any]:
    """The hold of a product whose columns cannot be treated for want of the model; nobody can approve what was not made."""
    note = "A column cannot be treated without the language model."
    subject = fingerprint("screen.model", outward.contract.id, outward.product.name, list(columns))
    finding = Finding("screen.model", False, "block", note, observed={"columns": list(columns)}, party="platform")
    return {**_hold(outward, subject, "privacy_officer", (finding,)), "approvable": False}


def unjudged(outward: Outward, error: str) -> Mapping[str, Any]:
    """The hold of a release whose judgement ended in an error of this class; nobody can approve what was not looked at."""
    note = "The release could not be looked at in full: looking ended in an error. The next run tries again."
    subject = fingerprint(UNJUDGED, outward.contract.id, outward.product.name, error)
    finding = Finding(UNJUDGED, False, "block", note, observed={"error": error}, party="platform")
    return _hold(outward, subject, "privacy_officer", (finding,))


def unequipped(outward: Outward, extras: Sequence[str]) -> Mapping[str, Any]:
    """The hold of a product whose protection needs an extra that is not installed; nobody can approve what was not made."""
    note = "A protection that the contract asks for needs an extra that is not installed: install it, then run again."
    subject = fingerprint("disclosure.extra", outward.contract.id, outward.product.name, list(extras))
    finding = Finding("disclosure.extra", False, "block", note, observed={"extras": list(extras)}, party="platform")
    return {**_hold(outward, subject, "privacy_officer", (finding,)), "approvable": False}


def looser(outward: Outward, state: State) -> Mapping[str, str] | None:
    """The stricter tier that the product had without a decision, and the record that says so; None where it is not looser now."""
    before = state.passed.get(f"serve/{outward.product.name}")
    if before is None:
        return None
    firm: Mapping[str, str] = before.get("loosened") or {"tier": before["tier"], "op": before["op"]}
    return dict(firm) if TIERS.index(outward.tier) < TIERS.index(firm["tier"]) else None


def ceiling(outward: Outward) -> tuple[Finding, ...]:
    """Says so, with the columns that cause it, where the levels after treatment allow less than the declared tier."""
    declared, allowed = outward.product.tier, outward.ceiling
    if TIERS.index(declared) >= TIERS.index(allowed):
        return ()
    causes = [column.name for column in outward.columns if column.level != "L1"]
    return (Finding("tier.ceiling", False, "warn", f"Declared {declared}, but the levels left after treatment allow only {allowed}.",
                    observed={"columns": causes}),)
