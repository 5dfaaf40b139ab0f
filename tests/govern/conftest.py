"""Keys of these tests lie in a folder of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.govern import sample


@pytest.fixture(autouse=True)
def config(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("MODELWRIGHT_CONFIG", str(folder))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Iterator[sample.Sample]:
    made = sample.whole(tmp_path / "project")
    yield made
    made.ledger.close()
