"""`modelwright rules show`: what the rules of a project did to a version of its pile."""

from __future__ import annotations

from typing import Any

from modelwright.core.context import Artifact
from modelwright.core.errors import UsageError
from modelwright.project.schema import Project
from modelwright.project.scratch import scratch


def rules_show(project: Project, pile: Artifact, rule: str | None = None, seed: int = 0) -> dict[str, Any]:
    """See `prepare.show.rules_show`. Texts of dropped documents are read from the sources and not kept."""
    from modelwright.engines.pile_reader import open_pile
    from modelwright.prepare.show import rules_show as show

    prepare = project.settings.prepare
    if prepare is None or pile.kind != "pile":
        raise UsageError(f"{pile.ref} is no pile", hint="name a pile, for example pile@1", value=pile.ref)
    with scratch(project) as context:
        return show(prepare.pile(), open_pile(project.home, pile.path), context, rule, seed)
