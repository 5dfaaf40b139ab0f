"""What changed rules would keep and drop, told before anything runs and without a new version."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from modelwright.core.context import Artifact, Context
from modelwright.prepare.settings import PileSettings
from modelwright.project.schema import Project


def what_if(project: Project, settings: PileSettings, before: Artifact | None) -> dict[str, Any]:
    """The contract's `what_if` for the pile's settings as they stand, against the current version where there is one.

    Signals measured on the way are kept in the cache: the run that follows does not measure them again.
    """
    from modelwright.engines.pile_reader import open_pile
    from modelwright.prepare.run import what_if as decide
    from modelwright.project.runner import means, open_home

    open_home(project)
    decisions = open_pile(project.home, before.path).decisions() if before is not None else None
    with tempfile.TemporaryDirectory(prefix="modelwright-") as folder:
        out, work = Path(folder) / "out", Path(folder) / "work"
        for path in (out, work):
            path.mkdir()
        context = Context(out, work, project.home, project.folder, 0, means(project))
        return decide(settings, context, decisions)
