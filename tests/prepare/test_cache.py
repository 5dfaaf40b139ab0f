"""The cache of parts: append only, whole or absent, each key once."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from modelwright.core.errors import StorageError
from modelwright.prepare import cache

SCHEMA = pa.schema([("key", pa.string()), ("value", pa.int64())])


def rows(*pairs: tuple[str, int]) -> pa.Table:
    return pa.table([[key for key, _ in pairs], [value for _, value in pairs]], schema=SCHEMA)


def content(folder: Path) -> list[tuple[str, int]]:
    return sorted((row["key"], row["value"]) for row in cache.read(folder, SCHEMA, "key")[0].to_pylist())


def test_parts_add_up_and_settle_keys_without_rows_too(tmp_path: Path) -> None:
    cache.append(tmp_path, rows(("a", 1), ("a", 2)), "key", ["a", "nothing"])
    cache.append(tmp_path, rows(("b", 3)), "key", ["b"])
    table, settled = cache.read(tmp_path, SCHEMA, "key")
    assert table.num_rows == 3
    assert set(settled.to_pylist()) == {"a", "b", "nothing"}


def test_a_key_that_two_parts_settle_has_its_rows_from_one(tmp_path: Path) -> None:
    cache.append(tmp_path, rows(("a", 1), ("a", 2)), "key", ["a"])
    cache.append(tmp_path, rows(("a", 1), ("a", 2), ("b", 3)), "key", ["a", "b"])
    assert content(tmp_path) == [("a", 1), ("a", 2), ("b", 3)]


def test_writing_a_part_twice_leaves_one(tmp_path: Path) -> None:
    for _ in range(2):
        cache.append(tmp_path, rows(("a", 1)), "key", ["a"])
    assert len(list(tmp_path.iterdir())) == 1


def test_a_damaged_part_is_removed_and_its_keys_are_open_again(tmp_path: Path) -> None:
    cache.append(tmp_path, rows(("a", 1)), "key", ["a"])
    cache.append(tmp_path, rows(("b", 2)), "key", ["b"])
    path = cache.files(tmp_path)[0]
    path.write_bytes(path.read_bytes()[:20])
    _, settled = cache.read(tmp_path, SCHEMA, "key")
    assert len(settled) == 1
    assert not path.exists()


def test_many_parts_become_one_and_hold_the_same(tmp_path: Path) -> None:
    for number in range(60):
        cache.append(tmp_path, rows((f"k{number}", number)), "key", [f"k{number}"])
    before = content(tmp_path)
    cache.compact(tmp_path, SCHEMA, "key")
    assert len(cache.files(tmp_path)) == 1
    assert content(tmp_path) == before


def test_a_compaction_that_was_cut_off_before_removing_changes_nothing(tmp_path: Path) -> None:
    for number in range(3):
        cache.append(tmp_path, rows((f"k{number}", number)), "key", [f"k{number}"])
    cache.append(tmp_path, cache.read(tmp_path, SCHEMA, "key")[0], "key")
    assert content(tmp_path) == [("k0", 0), ("k1", 1), ("k2", 2)]


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        cache.append(tmp_path / "file", rows(("a", 1)), "key", ["a"])
