"""One changed byte anywhere in the ancestry is named."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import modelwright

Copy = Callable[[Path], Path]


def flip(path: Path, at: int = -10) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def problems(folder: Path) -> list[dict[str, Any]]:
    result = modelwright.load(folder).verify("release@1")
    assert not result["ok"]
    found: list[dict[str, Any]] = result["problems"]
    return found


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        (".modelwright/model/1/model.safetensors", "model@1: model/1/model.safetensors"),
        (".modelwright/tokens/1/*.bin", "tokens@1: tokens/1/"),
        (".modelwright/warehouse/**/*.parquet", "pile@1: "),
        ("cards/pile-1-card.html", "cards/pile-1-card.html"),
    ],
)
def test_one_flipped_byte_in_a_file_is_named(made: Path, copied: Copy, pattern: str, named: str) -> None:
    folder = copied(made)
    flip(sorted(folder.glob(pattern))[0])
    assert any(problem["where"].startswith(named) for problem in problems(folder))


def test_one_changed_row_of_the_ledger_is_named(made: Path, copied: Copy) -> None:
    folder = copied(made)
    database = sqlite3.connect(folder / ".modelwright" / "ledger.db")
    for (name,) in database.execute("select name from sqlite_master where type = 'trigger'").fetchall():
        database.execute(f"drop trigger {name}")
    database.execute("update event set statement = replace(statement, 'signatures', 'signaturez') where seq = 4")
    database.commit()
    database.close()
    assert any("event 4" in problem["where"] for problem in problems(folder))


def test_a_bundle_verifies_without_the_project(made: Path, copied: Copy, tmp_path: Path) -> None:
    folder = copied(made)
    modelwright.load(folder).bundle(tmp_path / "bundle")
    folder.rename(tmp_path / "gone")
    assert modelwright.verify_bundle(tmp_path / "bundle")["ok"]
    flip(next((tmp_path / "bundle").glob("cards/*.html")))
    assert not modelwright.verify_bundle(tmp_path / "bundle")["ok"]
