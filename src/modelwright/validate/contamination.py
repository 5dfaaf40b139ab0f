"""Items of benchmarks that were found in the data: no score is printed on them unless the project says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.context import Artifact
from modelwright.core.errors import Refused
from modelwright.core.fingerprint import digest_file
from modelwright.validate.settings import ValidateSettings


@dataclass(frozen=True)
class Asked:
    """Rows not to ask, by the digest of their file; and `contamination` for the facts of the scores."""

    left_out: Mapping[str, frozenset[int]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def check(settings: ValidateSettings, pile: Artifact | None, folder: Path) -> Asked:
    """What the pile's facts say of the files of the benchmarks.

    Facts: benchmark file -> {found, left_out}; found is None where the data was not searched for it. Raises Refused
    when items were found and `contaminated` is `refuse`.
    """
    known = (pile.facts if pile is not None else {}).get("contamination", {})
    by_digest = {entry["digest"]: entry for entry in known.values()}
    facts: dict[str, Any] = {}
    left_out: dict[str, frozenset[int]] = {}
    for path in settings.files(folder):
        digest = digest_file(path)
        entry = by_digest.get(digest)
        rows = frozenset(entry["rows"]) if entry is not None else frozenset()
        if entry is not None and rows and settings.contaminated == "refuse":
            raise Refused(
                f"{len(rows)} of {entry['items']} items of {path.name} were found in the data",
                hint="`validate: {contaminated: skip}` leaves them out, `allow` scores them; "
                "`modelwright why` names the documents",
                value=f"rows {', '.join(map(str, sorted(rows)[:5]))}",
            )
        if settings.contaminated == "skip":
            left_out[digest] = rows
        facts[path.name] = {
            "found": len(rows) if entry is not None else None,
            "left_out": len(rows) if settings.contaminated == "skip" else 0,
        }
    return Asked(left_out, {"contamination": facts} if facts else {})
