"""Gates, approvals and cards: what the runner does around the steps, from recorded facts alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Artifact
from modelwright.core.errors import Refused
from modelwright.govern.gates import GateSettings
from modelwright.project import carrying
from modelwright.project.release import refuse_unless_met, verdicts_on
from modelwright.project.steps import Step

if TYPE_CHECKING:
    from modelwright.project.runner import Run

# After which step the gates on a subject can be judged.
JUDGED_AFTER = {"pile": "pile", "scores": "model", "tuned_scores": "tuned"}
RELEASED = {"release": "released", "export": "exported"}


def after(run: Run, step: Step) -> None:
    """Judge the gates that the step's facts decide; raise Refused when one says no. What carries a takedown is told."""
    if step.kind in RELEASED:
        _tell(run, step)
    on = JUDGED_AFTER.get(step.key)
    if on is None:
        return
    artifact = run.made[step.key]
    assert artifact is not None
    gates = run.project.settings.gates
    verdicts = verdicts_on(gates, on, artifact.facts)
    _record(run, artifact, verdicts)
    refuse_unless_met(verdicts, gates, artifact.record.get("of") or artifact.ref)


def facts_for(run: Run, step: Step) -> dict[str, Any]:
    """What a release is given besides its inputs: every verdict on its ancestry, and the approvals; a release or export
    that carries takedowns, their ids. Raises Refused where `deploy.taken_down` says so."""
    known = _taken_down(run, step) if step.kind in RELEASED else {}
    if step.key != "release":
        return known
    gates = run.project.settings.gates
    verdicts = []
    for key, on in JUDGED_AFTER.items():
        artifact = run.made.get(key)
        if artifact is not None:
            verdicts += verdicts_on(gates, on, artifact.facts)
        elif any(gate.on == on for gate in gates):
            names = ", ".join(gate.label for gate in gates if gate.on == on)
            raise Refused(f"{names}: nothing measured {on}", hint="add the stage that measures it, or drop the gate")
    released = run.made[step.parents["subject"]]
    assert released is not None
    facts = _all_facts(run)
    on_release = verdicts_on(gates, "release", facts)
    _record(run, released, on_release)
    refuse_unless_met(on_release, gates, released.ref)
    approvals = _approvals(run, released, [gate for gate in gates if gate.approve is not None])
    return {"verdicts": verdicts + on_release, "approvals": approvals, **known}


def _taken_down(run: Run, step: Step) -> dict[str, Any]:
    source = run.made[step.parents["subject" if step.kind == "release" else "release"]]
    assert source is not None
    found = carrying.check(run.project, run.records, source, RELEASED[step.kind])
    return {"taken_down": [item.takedown for item in found]} if found else {}


def _tell(run: Run, step: Step) -> None:
    """A warning to whoever watches the run, and the ids in what the run returns; also when nothing was made."""
    artifact = run.made[step.key]
    assert artifact is not None
    known = carrying.told(run.records, artifact, lambda text: run.report({"event": "warning", "what": text}))
    if known:
        run.steps[-1]["taken_down"] = known


def _all_facts(run: Run) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for artifact in run.made.values():
        if artifact is not None:
            facts.update(artifact.facts)
    return facts


def _approvals(run: Run, artifact: Artifact, gates: list[GateSettings]) -> list[str]:
    """Names of the keys that approved; raise Refused (exit code 3) while signatures are missing."""
    names: list[str] = []
    for gate in gates:
        decisions = {item["key"]: item for item in run.records.approvals(artifact.digest, gate.label)}
        rejected = [decision for decision in decisions.values() if not decision["approved"]]
        if rejected:
            reason = rejected[-1].get("reason") or "no reason given"
            raise Refused(f"{artifact.ref} was rejected at gate {gate.label}: {reason}", value=gate.label)
        signers = set(decisions)
        if len(signers) < (gate.approve or 0):
            raise Refused(
                f"{artifact.ref} waits for {gate.approve} approvals at gate {gate.label}; {len(signers)} given",
                hint=f"`modelwright approve {artifact.ref} --gate {gate.label}`, each with its own key",
                value=len(signers),
            )
        names += sorted(signers)
    return names


def _record(run: Run, artifact: Artifact, verdicts: list[dict[str, Any]]) -> None:
    """One gate event for each new verdict; a repeated judgement adds nothing."""
    known = [event["verdict"] for event in run.records.gates(artifact.ref)]
    for verdict in verdicts:
        if verdict not in known:
            run.records.append(
                "gate",
                [{"name": artifact.ref, "digest": artifact.digest}],
                {"artifact": artifact.ref, "verdict": verdict},
            )


def finish(run: Run) -> None:
    """Record the run and print the cards of what is current, when anything was made."""
    if any(step["action"] in ("made", "resumed", "failed") for step in run.steps):
        run.records.append("run", [], {"steps": run.steps, "project": run.project.settings.name})
    from modelwright.project.printing import print_cards

    print_cards(run.project, run.records, current(run.made))


def current(made: Mapping[str, Artifact | None]) -> list[Artifact]:
    return [artifact for artifact in made.values() if artifact is not None]
