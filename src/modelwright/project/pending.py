"""What a plan says of a pile whose sources were read before: what is new, and what would be measured again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from modelwright.core.context import Estimate, Machine
from modelwright.core.errors import ModelwrightError
from modelwright.project.plan import Planned, estimate
from modelwright.project.schema import Project
from modelwright.project.scratch import scratch

_SECONDS = 1.0
_KNOWN_MB_PER_SECOND = 130.0
"""What deciding and publishing cost where everything is known: measured on 298 MB (`benchmarks/what_if.py`)."""


def expected(project: Project, planned: Planned, machine: Machine) -> Estimate:
    """The stage's own estimate; that of a pile covers what is left to do, and `details` and `basis` name it."""
    told = estimate(planned, machine)
    if planned.step.kind != "pile" or planned.action == "unchanged" or told.seconds is None:
        return told
    if not (project.home / "cache" / "documents").is_dir():
        return told
    from modelwright.prepare.pending import pending
    from modelwright.prepare.settings import PileSettings

    settings = planned.step.settings
    assert isinstance(settings, PileSettings)
    try:
        with scratch(project) as context:
            left = pending(settings, context)
    except ModelwrightError:
        return told  # the run says what is wrong
    if not left.known_bytes:
        return told
    whole = max(1, told.details["bytes"])
    share = min(1.0, (left.bytes + left.known_bytes * left.share) / whole)
    seconds = _SECONDS + share * told.seconds + left.known_bytes / 1e6 / _KNOWN_MB_PER_SECOND
    details = {**told.details, "new_files": left.files, "new_bytes": left.bytes, "texts_to_measure": dict(left.texts)}
    basis = f"{_said(left.files, left.bytes, left.texts)}; the rest is known"
    disk = None if told.disk_bytes is None else int(told.disk_bytes * max(share, 0.01))
    return dataclasses.replace(told, seconds=min(told.seconds, seconds), disk_bytes=disk, basis=basis, details=details)


def _said(files: int, size: int, texts: Mapping[str, int]) -> str:
    new = f"{files} new or changed file{'s' * (files != 1)}, {size / 1e6:.1f} MB" if files else "no new file"
    again = ", ".join(f"{name} {count:,}" for name, count in texts.items())
    return f"{new}; known texts to measure: {again or 'none'}"
