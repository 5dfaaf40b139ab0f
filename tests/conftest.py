"""What all tests share: keys of their own, no network, the shared data where it is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
import tiny_project

ROOT = Path(__file__).resolve().parent.parent
# Deadlines fail on a busy machine and find nothing that a benchmark would not. The same examples at every run, so that
# whoever sees a failure can have it too; MODELWRIGHT_TEST_RANDOM=1 (which `make test-all` sets) looks for new ones.
hypothesis.settings.register_profile("modelwright", deadline=None, derandomize=True)
hypothesis.settings.register_profile("random", deadline=None)
hypothesis.settings.load_profile("random" if os.environ.get("MODELWRIGHT_TEST_RANDOM") == "1" else "modelwright")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("DAFT_ANALYTICS_ENABLED", "0")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture(autouse=True)
def _own_keys(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or makes keys in the user's configuration folder."""
    monkeypatch.setenv("MODELWRIGHT_CONFIG", str(tmp_path_factory.getbasetemp() / "configuration"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data beside the repository; tests that need it skip without it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data")
    return folder


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny project, all five stages run once. Copy it; never write into it."""
    return tiny_project.make(tmp_path_factory.mktemp("made") / "tiny", tiny_project.PREPARE + tiny_project.TRAIN)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny project, stage 1 alone run once. Copy it; never write into it."""
    return tiny_project.make(tmp_path_factory.mktemp("prepared") / "tiny", tiny_project.PREPARE)


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Path], Path]:
    """A function that copies a made project into this test's own folder."""
    return lambda folder: shutil.copytree(folder, tmp_path / "copy of it", symlinks=True)
