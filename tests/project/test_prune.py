"""Freeing disk takes what was given up, never what the next run needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import modelwright
from modelwright.project import lookup
from modelwright.project.plan import work_folder


def test_interrupted_work_that_the_next_run_resumes_stays_and_other_work_goes(
    prepared: Path, copied: Callable[[Path], Path]
) -> None:
    folder = copied(prepared)
    project = modelwright.load(folder, ["prepare.holdout=3 %"])
    (changed,) = [item for item in lookup.planned(project.project, project.records) if item.step.key == "pile"]
    assert changed.fingerprint is not None
    resumable, given_up = work_folder(project.project, changed.step, changed.fingerprint), project.home / "work" / "old"
    for place in (resumable, given_up):
        (place / "state").mkdir(parents=True)
        (place / "state" / "checkpoint").write_bytes(b"12345")
    assert project.prune()["bytes"] >= 5
    assert project.records.of_kind("prune")[-1].predicate["work_bytes"] == 5
    assert (resumable / "state" / "checkpoint").exists()
    assert not given_up.exists()
