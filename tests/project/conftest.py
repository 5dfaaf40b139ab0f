"""A project after a takedown, for all tests of what that means."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import modelwright


@pytest.fixture(scope="session")
def taken(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny project after a takedown of one document. Copy it; never write into it."""
    folder = shutil.copytree(made, tmp_path_factory.mktemp("taken") / "tiny")
    project = modelwright.load(folder)
    project.run()  # brings the copied catalogue home
    project.tag("first", "pile@1")
    project.pile_export(folder / "out", "jsonl", "pile@1")
    project.takedown("document", "open:json/decoder.py", execute=True, reason="the author asked")
    return folder
