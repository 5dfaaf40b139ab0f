"""Tokens that all tests of training share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.train.made import make_tokens


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tokens(tmp_path_factory.mktemp("tokens"))
