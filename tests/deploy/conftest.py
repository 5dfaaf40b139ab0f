"""Servers on the loopback around a tiny random model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tune.tiny import make_model

from modelwright.deploy.serve import Running, running_server
from modelwright.deploy.servers.torch import Torch
from modelwright.deploy.service import AppSettings


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


def make_receipt(statement: dict[str, Any]) -> dict[str, Any]:
    return {"says": statement}


@pytest.fixture(scope="session")
def app_settings(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> AppSettings:
    return AppSettings(
        release="release@1",
        digest="ab" * 32,
        model=tiny_model,
        server=Torch(threads=1, max_tokens=8),
        names=("handbook",),
        port=0,
        answers=tmp_path_factory.mktemp("answers") / "answers.db",
        receipt=make_receipt,
    )


@pytest.fixture(scope="session")
def running(app_settings: AppSettings) -> Iterator[Running]:
    with running_server(app_settings) as server:
        yield server
