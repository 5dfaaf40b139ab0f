"""Cards on disk: `cards/<kind>-<version>-card.html`, beside it Markdown and JSON, each recorded with its digest.

What people state in the section `card:` is recorded in the ledger before a card that shows it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.core.context import Artifact
from modelwright.core.fingerprint import digest_bytes
from modelwright.core.storage import write_atomic
from modelwright.formats import erased
from modelwright.govern.carriers import carried
from modelwright.govern.records import Records
from modelwright.project.schema import Project

if TYPE_CHECKING:
    from modelwright.govern.cards.card import Card
    from modelwright.govern.exports import Exported
    from modelwright.govern.stated import Stated

CARDS = ("pile", "model", "adapter", "release")


def print_cards(project: Project, records: Records, artifacts: Sequence[Artifact]) -> None:
    """Write the cards whose content changed, and record their digests; an unchanged ledger costs one comparison."""
    from modelwright.govern import stated

    stated.record(records, project.settings.card)
    stamp = project.home / "cards.head"
    head = records.head()
    if stamp.exists() and stamp.read_text() == head and all(_html(project, a).exists() for a in _with_card(artifacts)):
        return
    for artifact in _with_card(artifacts):
        write_card(project, records, artifact)
    write_atomic(stamp, records.head().encode())


def print_carriers(project: Project, records: Records) -> None:
    """Write anew the cards of what carries a takedown, where they were written: they say so from then on."""
    for artifact in _with_card(records.artifacts()):
        if records.card_files(artifact.ref) and carried(records, artifact.ref):
            write_card(project, records, artifact)


def _with_card(artifacts: Sequence[Artifact]) -> list[Artifact]:
    return [artifact for artifact in artifacts if artifact.kind in CARDS]


def _html(project: Project, artifact: Artifact) -> Path:
    return project.folder / "cards" / f"{artifact.kind}-{artifact.version}-card.html"


def write_card(project: Project, records: Records, artifact: Artifact) -> None:
    from modelwright.govern.cards.render import FORMS, render

    files, card = {}, card_of(project, records, artifact)
    for suffix in FORMS:
        data = render(card, suffix).encode()
        path = _html(project, artifact).with_suffix(f".{suffix}")
        if not path.exists() or path.read_bytes() != data:
            write_atomic(path, data)
        files[f"cards/{path.name}"] = digest_bytes(data)
    if records.card_files(artifact.ref) != files:
        subjects = [{"name": name, "digest": value} for name, value in files.items()]
        records.append("card", subjects, {"artifact": artifact.ref, "files": files})


def rendered(project: Project, records: Records, artifact: Artifact, form: str) -> str:
    """The card of an artifact as text in one form. Raises UsageError with the forms that its kind has."""
    return exported(project, records, artifact, form).text


def exported(project: Project, records: Records, artifact: Artifact, form: str) -> Exported:
    """As `rendered`, with what the standard of the form requires and nobody stated."""
    from modelwright.govern.cards.render import FORMS, render
    from modelwright.govern.exports import Exported, export

    erased.refuse(artifact.path)
    card = card_of(project, records, artifact)
    if form in FORMS:
        return Exported(render(card, form))
    return export(form, artifact, records, card, _stated(project, records))


def compared(project: Project, records: Records, before: Artifact, after: Artifact, form: str) -> str:
    """What differs between the cards of two artifacts of one kind, as md, html or json."""
    from modelwright.govern.cards.compare import compare
    from modelwright.govern.cards.render import render

    return render(compare(card_of(project, records, before), card_of(project, records, after)), form)


def card_of(project: Project, records: Records, artifact: Artifact) -> Card:
    """The card of an artifact, with what the project file states now."""
    from modelwright.govern import cards

    use = project.settings.use
    return cards.card_of(artifact, records, project.settings.name, use, _stated(project, records))


def _stated(project: Project, records: Records) -> Stated:
    from modelwright.govern import stated

    return stated.on_record(records, project.settings.card)
