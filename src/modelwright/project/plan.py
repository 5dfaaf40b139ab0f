"""What a run would do: per step unchanged, or run because of this; found without a heavy import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.context import Artifact, Estimate, Machine
from modelwright.core.errors import ModelwrightError, UnknownName
from modelwright.core.fingerprint import changes, digest, flatten
from modelwright.core.identity import identity
from modelwright.formats.erased import is_erased
from modelwright.project.schema import Project
from modelwright.project.steps import Step, external


@dataclass(frozen=True)
class Planned:
    """A step with its decision. `fingerprint` is None while a parent is still to be made."""

    step: Step
    action: str
    reason: str
    artifact: Artifact | None = None
    fingerprint: str | None = None
    flat: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Artifact] = field(default_factory=dict)


def decide(
    step: Step, project: Project, made: Mapping[str, Artifact | None], artifacts: Sequence[Artifact], rebuild: bool
) -> Planned:
    """Compare a step's fingerprint with the ledger's. `made` maps step keys to what is current (None: to be made)."""
    inputs: dict[str, Artifact] = {}
    for role, parent in step.parents.items():
        artifact = pinned(parent, artifacts) if "@" in parent else made.get(parent)
        if artifact is None:
            return Planned(step, "run", f"{parent} will be made")
        inputs[role] = artifact
    flat, fingerprint = fingerprint_of(step, project, inputs)
    same = [item for item in artifacts if item.kind == step.kind and item.fingerprint == fingerprint]
    gone = bool(same) and not any(item.path.is_dir() for item in same)
    taken = bool(same) and any(is_erased(item.path) for item in same)
    same = [item for item in same if item.path.is_dir() and not is_erased(item.path)]
    if same and not rebuild:
        return Planned(step, "unchanged", "same settings, sources and code", same[-1], fingerprint, flat, inputs)
    if (work_folder(project, step, fingerprint) / "state").is_dir() and not rebuild:
        return Planned(step, "resume", "an earlier run was interrupted", None, fingerprint, flat, inputs)
    reason = "rebuild was asked for" if same else _reason(step, flat, artifacts)
    reason = "its files were pruned" if gone else "a takedown erased it" if taken and not same else reason
    return Planned(step, "run", reason, None, fingerprint, flat, inputs)


def fingerprint_of(step: Step, project: Project, inputs: Mapping[str, Artifact]) -> tuple[dict[str, Any], str]:
    """The flat identity of a step (for reasons) and the digest over all of it."""
    settings = identity(step.settings)
    if hasattr(step.settings, "depends"):
        settings |= {"depends": step.settings.depends()}
    whole = {
        "kind": step.kind,
        "key": step.key,
        "code": {step.module: step.version},
        "settings": settings,
        "outside": external(step, project),
        "parents": {role: artifact.digest for role, artifact in inputs.items()},
    }
    flat = flatten(settings, step.where)
    flat.update(flatten(whole["outside"], "version of source") if whole["outside"] else {})
    flat.update({f"parent {role}": artifact.digest for role, artifact in inputs.items()})
    flat[f"code of {step.module}"] = step.version
    return flat, digest(whole)


def pinned(reference: str, artifacts: Sequence[Artifact]) -> Artifact:
    """The artifact that a pin names: `tokens@1`, or `pile@1` for the tokens that were made of that pile."""
    for artifact in reversed(artifacts):
        parents = [parent["ref"] for parent in artifact.parents if parent["ref"].startswith("pile@")]
        of_pile = artifact.kind == "tokens" and reference in parents  # tokens that keep tokens@1's are other ones
        if (artifact.ref == reference and artifact.kind != "pile") or of_pile:
            return artifact
    raise UnknownName("pinned artifact", reference, [artifact.ref for artifact in artifacts])


def work_folder(project: Project, step: Step, fingerprint: str) -> Path:
    return project.home / "work" / f"{step.kind}-{fingerprint[:16]}"


def _reason(step: Step, flat: Mapping[str, Any], artifacts: Sequence[Artifact]) -> str:
    earlier = [artifact for artifact in artifacts if artifact.record.get("key") == step.key]
    if not earlier:
        return "not made yet"
    lines = changes(earlier[-1].record.get("settings", {}), flat)
    return "; ".join(lines[:3]) + (f"; and {len(lines) - 3} more" if len(lines) > 3 else "")


def estimate(planned: Planned, machine: Machine) -> Estimate:
    """The stage's own estimate; unknown where its inputs do not exist yet and it cannot tell without them."""
    if planned.action == "unchanged":
        return Estimate(0.0, 0, 0, 0.0, 0.0, "nothing to do")
    try:
        result: Estimate = planned.step.load().estimate(planned.step.settings, planned.inputs, machine)
    except (KeyError, FileNotFoundError) as missing:
        return Estimate(basis=f"unknown until {missing} exists")
    except ModelwrightError as error:
        return Estimate(basis=f"unknown: {error.message}")
    return result
