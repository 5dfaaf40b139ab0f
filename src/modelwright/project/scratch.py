"""Asking a stage a question: everything as in a run, and nothing that stays."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from modelwright.core import plugins
from modelwright.core.context import Context
from modelwright.project.home import means, open_home
from modelwright.project.schema import Project


@contextlib.contextmanager
def scratch(project: Project) -> Iterator[Context]:
    """A context of the project, brought home and with its plugins, whose `out` and `work` vanish with the question."""
    open_home(project)
    plugins.use_project(project.folder)
    with tempfile.TemporaryDirectory(prefix="modelwright-") as folder:
        out, work = Path(folder) / "out", Path(folder) / "work"
        for path in (out, work):
            path.mkdir()
        yield Context(out, work, project.home, project.folder, 0, means(project))
