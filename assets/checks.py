"""Asset checks: the contract's rules, admission, screening, disclosure and tier, shown with the verdict that the journal holds.

Nothing is evaluated here and nothing is a gate: the steps gate themselves. Counts, rule ids and declared names only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.keys import Layer, check_names
from catalog.codes import CodeList
from catalog.contract import Contract
from privacy.disclosure import about_persons
from quality.specs import specs

if TYPE_CHECKING:
    from pipelines.state import State

Body = Mapping[str, Any]
CONFLICTS = "merge.conflicts"
ADMISSION, SCREENING, DISCLOSURE, TIER = "admission", "screening", "disclosure", "tier"


def rules(contract: Contract, codes: Mapping[str, CodeList]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Rule id → (description, facts) of every rule that refine judges."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for spec in specs(contract, codes):
        bounds = ", ".join(f"{name} {bound:g}" for name, bound in spec.bounds)
        effect = "The step holds the dataset when it fails." if spec.blocking else "Warns only."
        found[spec.id] = (f"{spec.column or 'The table'}: {spec.description or spec.id}. {effect}", {
            "rule": spec.id, "dimension": spec.dimension, "blocking": spec.blocking, "bounds": f"{bounds} {spec.unit}",
            **({"column": spec.column} if spec.column else {}),
        })
    if contract.keys and not contract.derived and contract.fields.merge != "upsert":
        facts = {"rule": CONFLICTS, "dimension": "consistency", "blocking": False}
        found[CONFLICTS] = ("The key: never comes with different values. Warns only.", facts)
    return found


def check_specs(contract: Contract, codes: Mapping[str, CodeList], layer: Layer) -> list[dg.AssetCheckSpec]:
    """The checks of one layer."""
    if layer.layer == "silver":
        known = rules(contract, codes)
        names = check_names(known)
        return [_spec(layer, names[rule], text, facts) for rule, (text, facts) in known.items()]
    if layer.layer == "bronze":
        return [_spec(layer, ADMISSION, "Every batch was admitted: none waits in holding, none was refused. The step holds or refuses.")]
    if layer.layer == "gold":
        return [_spec(layer, SCREENING, "Every distinct value of the exact published bytes was screened; nothing waits for a decision. The step "
                                     "holds the product when it fails."),
                *([_spec(layer, DISCLOSURE, "Nobody can be told apart: alike rows are many enough, alone and beside what was released of the same "
                                            "persons before. The step holds the product when it fails.")] if about_persons(contract) else []),
                _spec(layer, TIER, "The tier is the declared one, and not looser than before without a decision.")]
    return []


def _spec(layer: Layer, name: str, text: str, facts: Mapping[str, Any] | None = None) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(name, asset=layer.key, description=text, metadata=facts or {})


def results(contract: Contract, codes: Mapping[str, CodeList], layer: Layer, state: State) -> Iterator[dg.AssetCheckResult]:
    """What the newest record says of each check of this layer; nothing where there is no record."""
    if layer.layer == "silver":
        yield from _quality(contract, codes, layer, state.last.get("refine/", {}))
    elif layer.layer == "bronze" and "ingest/" in state.last:
        yield _admission(layer, state, state.last["ingest/"])
    elif layer.layer == "gold" and (body := state.last.get(f"serve/{layer.product}")):
        held = [found for hold in body.get("holds", ()) for found in hold["findings"]]
        tier = [*body["findings"], *[found for found in held if found["rule"].startswith("tier")]]
        yield _judged(layer, TIER, tier, body, {"tier": body["tier"]})
        if about_persons(contract):
            yield _judged(layer, DISCLOSURE, _told_apart(body, held), body)
        if "verdict" in body:
            verdict = body["verdict"]
            yield _judged(layer, SCREENING, verdict["findings"], body, {"kinds_found": len(verdict["findings"]), "rules_version": verdict["rules"]})


def _told_apart(body: Body, held: Sequence[Body]) -> list[Body]:
    """What disclosure control and the exposure register found; before gold was written, only what held it."""
    found = [finding for name in ("disclosure", "exposure") for finding in body.get(name, {}).get("findings", ())]
    return found or [finding for finding in held if finding["rule"].split(".")[0] in ("disclosure", "exposure")]


def refused(layer: Layer, note: str) -> dg.AssetCheckResult:
    """A dataset that may not be collected at all: no batch, no record, only the reason."""
    return _result(layer, ADMISSION, False, True, note, {"outcome": "refused"})


def _quality(contract: Contract, codes: Mapping[str, CodeList], layer: Layer, body: Body) -> Iterator[dg.AssetCheckResult]:
    names = check_names(rules(contract, codes))
    for found in body.get("verdict", {}).get("findings", ()):
        if found["rule"] in names:          # a rule of an older contract has no check any more
            severe = found["severity"] == "block" and not body.get("approval")
            facts = {"rule": found["rule"], **found["observed"], **({} if found["passed"] else {"party": found["party"]}), **_source(body)}
            yield _result(layer, names[found["rule"]], found["passed"], severe, found["note"], facts)


def _admission(layer: Layer, state: State, body: Body) -> dg.AssetCheckResult:
    holds = [hold for hold in state.holds.values() if hold.step == "ingest"]
    denied = body.get("refused", ())
    findings = [found for hold in holds for found in hold.findings]
    findings += [found for item in denied for found in item["findings"] if not found["passed"]]
    facts = {"admitted": len(body.get("batches", ())), "held": len(holds), "refused": len(denied), "skipped": len(body.get("skipped", ())),
             **({"holds": listed(hold.id for hold in holds)} if holds else {}), **_failed(findings), **_source(body)}
    return _result(layer, ADMISSION, not holds and not denied, True, _notes(findings), facts)


def _judged(layer: Layer, name: str, findings: Sequence[Body], body: Body, facts: Mapping[str, Any] | None = None) -> dg.AssetCheckResult:
    failed = [found for found in findings if not found["passed"]]
    severe = any(found["severity"] == "block" for found in failed) and not body.get("approval")
    return _result(layer, name, not failed, severe, _notes(failed), {**(facts or {}), **_failed(failed), **_source(body)})


def _failed(findings: Sequence[Body]) -> dict[str, Any]:
    """One line a finding: its rule, column and counts."""
    lines = [f"{found['rule']} {found.get('column') or ''} {_observed(found['observed'])}".replace("  ", " ").strip() for found in findings]
    return {f"finding_{number}": line for number, line in enumerate(dict.fromkeys(lines), start=1)}


def _observed(observed: Body) -> str:
    return ", ".join(f"{name} {listed(value) if isinstance(value, list) else value}" for name, value in observed.items())


def listed(items: Iterable[Any]) -> str:
    """Several names in one cell."""
    return ", ".join(str(item) for item in items)


def _notes(findings: Sequence[Body]) -> str:
    return " ".join(dict.fromkeys(found["note"] for found in findings))


def _source(body: Body) -> dict[str, Any]:
    """Where in the journal this comes from, and the approval that lets it pass."""
    return {"outcome": body["outcome"], "op": body["op"][:16], **({"approval": body["approval"]} if body.get("approval") else {})}


def _result(layer: Layer, name: str, passed: bool, severe: bool, note: str, facts: Mapping[str, Any]) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(passed=passed, asset_key=layer.key, check_name=name, severity=severity, description=note or None,
                               metadata=dict(facts))
