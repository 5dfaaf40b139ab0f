"""`modelwright rules show`: what the rules of a project did to a version of its pile."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from modelwright.core import plugins
from modelwright.core.context import Artifact, Context
from modelwright.core.errors import UsageError
from modelwright.project.schema import Project


def rules_show(project: Project, pile: Artifact, rule: str | None = None, seed: int = 0) -> dict[str, Any]:
    """See `prepare.show.rules_show`. Texts of dropped documents are read from the sources and not kept."""
    from modelwright.engines.pile_reader import open_pile
    from modelwright.prepare.show import rules_show as show
    from modelwright.project.runner import means, open_home

    prepare = project.settings.prepare
    if prepare is None or pile.kind != "pile":
        raise UsageError(f"{pile.ref} is no pile", hint="name a pile, for example pile@1", value=pile.ref)
    open_home(project)
    plugins.use_project(project.folder)
    with tempfile.TemporaryDirectory(prefix="modelwright-") as folder:
        out, work = Path(folder) / "out", Path(folder) / "work"
        for path in (out, work):
            path.mkdir()
        context = Context(out, work, project.home, project.folder, 0, means(project))
        return show(prepare.pile(), open_pile(project.home, pile.path), context, rule, seed)
