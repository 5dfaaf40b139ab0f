"""A version of the pile written for other tools, and the event that says where it went."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelwright.core.context import Artifact
from modelwright.core.storage import write_atomic
from modelwright.govern.records import Records
from modelwright.project.schema import Project


def export_pile(project: Project, records: Records, artifact: Artifact, folder: Path, form: str) -> dict[str, Any]:
    """Write `artifact` into the new folder, with its card for a Hugging Face dataset; record that it left.

    The path goes into the ledger relative to the project where it lies inside, else as its name alone.
    """
    from modelwright.engines.pile_reader import open_pile
    from modelwright.prepare.piles import export
    from modelwright.project import printing
    from modelwright.project.runner import open_home

    open_home(project)
    written = export(open_pile(project.home, artifact.path), folder, form)
    if form == "huggingface":
        card = printing.rendered(project, records, artifact)["huggingface"]
        write_atomic(folder / "README.md", card.encode())
    inside = folder.resolve().is_relative_to(project.folder)
    place = str(folder.resolve().relative_to(project.folder)) if inside else folder.name
    subject = [{"name": artifact.ref, "digest": artifact.digest}]
    records.append("export", subject, {"ref": artifact.ref, "format": form, "place": place, "inside": inside})
    return written
