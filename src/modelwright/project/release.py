"""A release: a model that passed its gates and was approved, or an experimental one where the policy lets it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.core.context import Artifact, Context, Estimate, Machine, Output
from modelwright.core.errors import Refused
from modelwright.core.fingerprint import digest
from modelwright.core.identity import identity
from modelwright.core.spec import Options
from modelwright.core.storage import write_json
from modelwright.govern.gates import GateSettings, Verdict, judge

PASSING = "pass"


class ReleaseSettings(Options):
    """The gates that a release must meet."""

    gates: tuple[GateSettings, ...] = ()


def estimate(settings: ReleaseSettings, inputs: Mapping[str, Artifact], machine: Machine) -> Estimate:
    return Estimate(seconds=0.1, memory_bytes=0, disk_bytes=2000, money=0.0, energy_kwh=0.0, basis="a record")


def run(settings: ReleaseSettings, inputs: Mapping[str, Artifact], context: Context) -> Output:
    """Write `release.json`: what is released, under which verdicts. Verdicts come with the inputs' facts."""
    subject = inputs["subject"]
    verdicts = context.facts.pop("verdicts", [])
    approvals = context.facts.pop("approvals", [])
    content = {
        "subject": {"ref": subject.ref, "digest": subject.digest},
        "model": _name(inputs.get("model", subject)),
        "adapter": _name(subject) if subject.kind == "adapter" else None,
        "gates": verdicts,
        "experimental": any(verdict["verdict"] != PASSING for verdict in verdicts),
        "approved_by": approvals or ["self-approved: no gate asks for approvals"],
    }
    write_json(context.out / "release.json", content)
    body = {key: content[key] for key in ("subject", "model", "adapter", "experimental")}
    return Output(digest(_digests(body)), content)


def _name(artifact: Artifact) -> dict[str, str]:
    return {"ref": artifact.ref, "digest": artifact.digest}


def _digests(value: Any) -> Any:
    """Without version numbers: the same content released twice has one digest."""
    if isinstance(value, dict):
        return {key: _digests(item) for key, item in value.items() if key != "ref"}
    return value


def verdicts_on(gates: tuple[GateSettings, ...], subject: str, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Judge the gates with `on: subject` against measured facts; one plain dict a gate."""
    return [describe(gate, judge(gate, facts)) for gate in gates if gate.on == subject and gate.approve is None]


def describe(gate: GateSettings, verdict: Verdict) -> dict[str, Any]:
    return {"gate": gate.label, "settings": identity(gate), "on": gate.on, **verdict.to_json()}


def refuse_unless_met(verdicts: list[dict[str, Any]], gates: tuple[GateSettings, ...], subject: str) -> None:
    """Raise Refused (exit code 3) for a gate that failed, or is inconclusive where the policy blocks."""
    allowed = {gate.label for gate in gates if gate.inconclusive == "allow"}
    for verdict in verdicts:
        if verdict["verdict"] == PASSING or (verdict["verdict"] == "inconclusive" and verdict["gate"] in allowed):
            continue
        raise Refused(
            f"gate {verdict['gate']} on {subject}: {verdict['verdict']} - {verdict['reason']}",
            hint="improve the subject, change the gate in the project file, or `inconclusive: allow` for an "
            "experimental release",
            value=verdict["value"],
        )
