"""Finding what a reference means, and plain-dict views of artifacts for the command line and Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.core import plugins
from modelwright.core.context import Artifact
from modelwright.core.errors import AmbiguousReference, UnknownName, UsageError
from modelwright.formats.erased import is_erased
from modelwright.govern.carriers import carried
from modelwright.govern.records import Records
from modelwright.project.create import templates
from modelwright.project.plan import Planned, decide
from modelwright.project.schema import Project
from modelwright.project.steps import check_stage, steps


def planned(project: Project, records: Records, rebuild: str | None = None) -> list[Planned]:
    """The decision for every step of the project as it stands."""
    artifacts = records.artifacts()
    made: dict[str, Artifact | None] = {}
    result = []
    all_steps = steps(project)
    if rebuild is not None:
        check_stage(all_steps, rebuild)
    for step in all_steps:
        decision = decide(step, project, made, artifacts, rebuild == step.stage)
        made[step.key] = decision.artifact
        result.append(decision)
    return result


def current(project: Project, records: Records) -> dict[str, Artifact]:
    """Step key -> the artifact that the project file as it stands yields; steps not made yet are absent."""
    return {item.step.key: item.artifact for item in planned(project, records) if item.artifact is not None}


def find(project: Project, records: Records, reference: str) -> Artifact:
    """`pile@3`, `pile` (what the project file yields), a tag or a digest -> the artifact."""
    if "@" in reference or reference in records.names():
        return records.find(reference)
    kinds = sorted({artifact.kind for artifact in records.artifacts()} | {step.kind for step in steps(project)})
    if reference not in kinds:
        try:
            return records.find(reference)
        except UnknownName as error:
            raise UnknownName("reference", reference, [*kinds, *records.names()]) from error
    found = [artifact for artifact in current(project, records).values() if artifact.kind == reference]
    if not found:
        made = [artifact.ref for artifact in records.artifacts() if artifact.kind == reference]
        raise UsageError(
            f"the project as it stands has not made its {reference} yet",
            hint="`modelwright run` makes it" + (f"; older ones: {', '.join(made)}" if made else ""),
            value=reference,
        )
    if len(found) > 1 and reference != "scores":
        raise AmbiguousReference(
            f"{reference!r} means several: {', '.join(artifact.ref for artifact in found)}", hint="name one of them"
        )
    return found[-1]


def view(records: Records, artifact: Artifact) -> dict[str, Any]:
    """The contract's `show` object."""
    children = [
        other.ref for other in records.artifacts() if any(parent["ref"] == artifact.ref for parent in other.parents)
    ]
    return {
        "ref": artifact.ref,
        "kind": artifact.kind,
        "digest": artifact.digest,
        "fingerprint": artifact.fingerprint,
        "facts": dict(artifact.facts),
        "metrics": dict(artifact.facts.get("metrics", {})),
        "parents": [parent["ref"] for parent in artifact.parents],
        "children": children,
        "of": artifact.record.get("of"),
        "seconds": artifact.record.get("seconds"),
        "estimate": artifact.record.get("estimate"),
        "reason": artifact.record.get("reason"),
        "equal_to": artifact.record.get("equal_to"),
        "made_at": artifact.made_at,
        "path": str(artifact.path),
        "erased": is_erased(artifact.path),
        "taken_down": [item.to_json() for item in carried(records, artifact.ref)],
    }


def view_run(records: Records, reference: str) -> dict[str, Any]:
    """`run@N`: the N-th recorded run of the project."""
    runs = [dict(entry.predicate) for entry in records.of_kind("run")]
    number = reference.partition("@")[2]
    if not number.isdigit() or not 1 <= int(number) <= len(runs):
        raise UnknownName("run", reference, [f"run@{index + 1}" for index in range(len(runs))])
    return {
        "ref": reference,
        "kind": "run",
        "metrics": {},
        "parents": [],
        "children": [],
        "facts": runs[int(number) - 1],
    }


def items(records: Records, kind: str | None) -> list[dict[str, Any]]:
    """The contract's `list`: artifacts (of a kind), or plugins, or templates."""
    if kind == "templates":
        return list(templates())
    if kind is not None and kind in plugins.kinds():
        return plugins.describe(kind)
    tags = records.tags()
    found = [
        {
            "kind": artifact.kind,
            "name": artifact.kind,
            "version": artifact.version,
            "ref": artifact.ref,
            "digest": artifact.digest,
            "tags": sorted(tag for tag, ref in tags.items() if ref == artifact.ref),
            "made_at": artifact.made_at,
            "erased": is_erased(artifact.path),
        }
        for artifact in records.artifacts()
    ]
    if kind is None:
        return found
    if kind == "tags":
        return [item for item in found if item["tags"]]
    known = sorted({str(item["kind"]) for item in found} | set(plugins.kinds()) | {"templates", "tags"})
    if kind not in known and kind not in ARTIFACT_KINDS:
        raise UnknownName("kind", kind, {*known, *ARTIFACT_KINDS})
    return [item for item in found if item["kind"] == kind]


ARTIFACT_KINDS = ("pile", "tokens", "pairs", "model", "scores", "adapter", "release", "export")


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What differs between two facts, as flat rows."""
    from modelwright.core.fingerprint import flatten

    left, right = flatten(a), flatten(b)
    return [
        {"fact": key, "a": left.get(key), "b": right.get(key)}
        for key in sorted(set(left) | set(right))
        if left.get(key) != right.get(key)
    ]
