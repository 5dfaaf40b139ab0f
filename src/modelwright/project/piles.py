"""Versions of the base data pile: the log, tags, and why a document is in or out."""

from __future__ import annotations

import re
from typing import Any

from modelwright.core.context import Artifact
from modelwright.core.errors import UnknownName, UsageError
from modelwright.govern.records import Records
from modelwright.project.schema import Project


def log(records: Records) -> list[dict[str, Any]]:
    """One row a version: when, why, counts and tags; newest last."""
    return [
        {
            "pile": artifact.ref,
            "digest": artifact.digest,
            "made_at": artifact.made_at,
            "reason": artifact.record.get("reason"),
            "made_by": [key[:12] for key in records.entry(artifact).keyids],
            "decisions": artifact.facts.get("decisions", {}),
            "tags": records.tags_of(artifact.ref),
        }
        for artifact in records.artifacts()
        if artifact.kind == "pile"
    ]


def tag(records: Records, name: str, artifact: Artifact) -> dict[str, Any]:
    """Point a tag at an artifact; moving one is an event like any other."""
    if not re.fullmatch(r"[A-Za-z][\w.-]{0,63}", name):
        raise UsageError(f"{name!r} is no tag", hint="letters, digits, `_`, `.` and `-`, first a letter", value=name)
    if name in {item.kind for item in records.artifacts()}:
        raise UsageError(f"{name!r} is a kind of artifact and cannot be a tag", hint="choose another name", value=name)
    before = records.tags().get(name)
    if before != artifact.ref:
        records.append(
            "tag",
            [{"name": artifact.ref, "digest": artifact.digest}],
            {"name": name, "ref": artifact.ref, "was": before},
        )
    return {"tag": name, "ref": artifact.ref, "was": before, "digest": artifact.digest}


def why(project: Project, records: Records, document: str) -> list[dict[str, Any]]:
    """The contract's `why`: per matching document, its decision in every version of the pile that is at hand."""
    from modelwright.engines.pile_reader import open_pile
    from modelwright.project.runner import open_home

    open_home(project)
    found: dict[str, dict[str, Any]] = {}
    for artifact in records.artifacts():
        if artifact.kind != "pile" or not artifact.path.is_dir():
            continue
        for row in open_pile(project.home, artifact.path).why(document):
            entry = found.setdefault(
                row["document"],
                {"document": row["document"], "source": row["source"], "origin": row["origin"], "versions": []},
            )
            entry["versions"].append(
                {
                    "pile": artifact.ref,
                    "decision": row["decision"],
                    "reasons": row["reasons"],
                    "duplicate_of": row["duplicate_of"],
                }
            )
    if not found:
        error = UnknownName("document", document, [], where="any version of the pile")
        error.hint = '`SOURCE:ORIGIN`; `modelwright pile sql "select source, origin from decisions"` has all'
        raise error
    return list(found.values())
