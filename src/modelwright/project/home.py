"""A project on this machine: what it may use of it, and its tables at home after a move."""

from __future__ import annotations

import dataclasses

from modelwright.core.context import Machine
from modelwright.core.errors import UsageError
from modelwright.core.machine import machine
from modelwright.project.schema import Project


def means(project: Project) -> Machine:
    """The machine, as far as the section `run` lets it be used. Raises UsageError for a device that is not here."""
    have, settings = machine(project.home), project.settings.run
    workers = have.cores if settings.workers == "auto" else max(1, min(have.cores, int(settings.workers)))
    if settings.device == "cuda" and have.device != "cuda":
        raise UsageError("run.device: no CUDA device is here", hint="write `auto` or `cpu`", value=settings.device)
    device = have.device if settings.device == "auto" else settings.device
    return dataclasses.replace(have, cores=workers, device=device)


def open_home(project: Project) -> None:
    """Bring a moved or copied project home before anything reads its tables."""
    if (project.home / "catalog.db").exists():
        from modelwright.engines.rebase import needs_rebase

        if needs_rebase(project.home):
            from modelwright.engines.rebase import rebase

            rebase(project.home)
