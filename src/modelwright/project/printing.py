"""Cards on disk: `cards/<kind>-<version>-card.html`, beside it Markdown and JSON, each recorded with its digest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelwright.core.context import Artifact
from modelwright.core.fingerprint import digest_bytes
from modelwright.core.storage import write_atomic
from modelwright.govern.records import Records
from modelwright.project.schema import Project

CARDS = ("pile", "model", "adapter", "release")


def print_cards(project: Project, records: Records, artifacts: Sequence[Artifact]) -> None:
    """Write the cards whose content changed, and record their digests; an unchanged ledger costs one comparison."""
    stamp = project.home / "cards.head"
    head = records.head()
    if stamp.exists() and stamp.read_text() == head and all(_html(project, a).exists() for a in _with_card(artifacts)):
        return
    for artifact in _with_card(artifacts):
        write_card(project, records, artifact)
    write_atomic(stamp, records.head().encode())


def _with_card(artifacts: Sequence[Artifact]) -> list[Artifact]:
    return [artifact for artifact in artifacts if artifact.kind in CARDS]


def _html(project: Project, artifact: Artifact) -> Path:
    return project.folder / "cards" / f"{artifact.kind}-{artifact.version}-card.html"


def write_card(project: Project, records: Records, artifact: Artifact) -> None:
    files = {}
    for suffix, text in rendered(project, records, artifact).items():
        path = _html(project, artifact).with_suffix(f".{suffix}")
        data = text.encode()
        if not path.exists() or path.read_bytes() != data:
            write_atomic(path, data)
        files[f"cards/{path.name}"] = digest_bytes(data)
    if records.card_files(artifact.ref) != files:
        subjects = [{"name": name, "digest": value} for name, value in files.items()]
        records.append("card", subjects, {"artifact": artifact.ref, "files": files})


def rendered(project: Project, records: Records, artifact: Artifact) -> dict[str, str]:
    """The card of an artifact in every format."""
    from modelwright.govern.cards import card_of
    from modelwright.govern.cards.render import FORMS, render

    card = card_of(artifact, records, project.settings.name, project.settings.use)
    return {form: render(card, form) for form in FORMS}
