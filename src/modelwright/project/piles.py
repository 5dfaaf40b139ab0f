"""Why a document is in or out, in every version of the base data pile."""

from __future__ import annotations

from typing import Any

from modelwright.core.errors import UnknownName
from modelwright.formats.erased import is_erased
from modelwright.govern.records import Records
from modelwright.project.home import open_home
from modelwright.project.schema import Project


def why(project: Project, records: Records, document: str) -> list[dict[str, Any]]:
    """The contract's `why`: per matching document, its decision in every version of the pile that is at hand."""
    from modelwright.engines.pile_reader import open_pile

    open_home(project)
    found: dict[str, dict[str, Any]] = {}
    for artifact in records.artifacts():
        if artifact.kind != "pile" or not artifact.path.is_dir() or is_erased(artifact.path):
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
