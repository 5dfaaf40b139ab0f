"""`modelwright rules show`: what the rules of a version of the pile did."""

from __future__ import annotations

from typing import Any

from modelwright.core.context import Artifact
from modelwright.core.errors import InputError, UsageError
from modelwright.project import recipe
from modelwright.project.schema import Project
from modelwright.project.scratch import scratch


def rules_show(project: Project, pile: Artifact, rule: str | None = None, seed: int = 0) -> dict[str, Any]:
    """See `prepare.show.rules_show`; the rules are those of the version's own recipe.

    Texts of dropped documents are read from the sources and not kept. Raises UsageError for what is no pile, InputError
    for a version whose recipe is gone.
    """
    from modelwright.engines.pile_reader import open_pile
    from modelwright.prepare.show import rules_show as show

    if pile.kind != "pile":
        raise UsageError(f"{pile.ref} is no pile", hint="name a pile, for example pile@1", value=pile.ref)
    settings = recipe.settings(pile)
    if settings is None:
        raise InputError(f"the recipe of {pile.ref} is gone", hint="`modelwright pile log` names the versions")
    with scratch(project) as context:
        return show(settings, open_pile(project.home, pile.path), context, rule, seed)
