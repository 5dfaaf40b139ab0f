"""Two artifacts side by side: settings, facts, and for scores a paired comparison."""

from __future__ import annotations

from typing import Any

from modelwright.core.context import Artifact
from modelwright.core.errors import UsageError
from modelwright.govern.records import Records
from modelwright.project.lookup import differences


def compare(records: Records, a: Artifact, b: Artifact) -> dict[str, Any]:
    """What differs; `paired` holds the test over the items that both were scored on."""
    if a.kind != b.kind and {a.kind, b.kind} - {"model", "adapter"}:
        raise UsageError(
            f"{a.ref} and {b.ref} are of different kinds", hint="compare two of one kind, or a model with an adapter"
        )
    result: dict[str, Any] = {
        "a": a.ref,
        "b": b.ref,
        "equal": a.digest == b.digest,
        "settings": differences(a.record.get("settings", {}), b.record.get("settings", {})),
        "facts": differences(a.facts, b.facts),
    }
    scores = [_scores_of(records, artifact) for artifact in (a, b)]
    if scores[0] is not None and scores[1] is not None:
        from modelwright.formats.scores import read_scores
        from modelwright.validate.compare import compare as paired

        result["paired"] = paired(read_scores(scores[0].path), read_scores(scores[1].path))
    return result


def _scores_of(records: Records, artifact: Artifact) -> Artifact | None:
    """The artifact itself when it is scores, else the newest scores of a model or adapter."""
    if artifact.kind == "scores":
        return artifact
    return next((item for item in reversed(records.artifacts()) if item.record.get("of") == artifact.ref), None)
