from __future__ import annotations

from pathlib import Path

import pytest
from made_pile import BOOKS, Made, published, reader

from modelwright.engines import iceberg, shrink

SECRET = "the quick brown fox jumps over a secret that must go"


def rows(home: Path, version: int) -> list[list[dict]]:
    opened = reader(home, version)
    tables = [getattr(opened, name)().to_pylist() for name in ("documents", "decisions", "signals", "findings")]
    return [*tables, [row for batch in opened.texts(opened.documents()) for row in batch.to_pylist()]]


def shrunk(home: Path, versions: list[int]) -> int:
    with iceberg.opened(home) as catalog:
        return shrink.shrink(catalog, [reader(home, version).record for version in versions])


def warehouse_holds(home: Path, words: str) -> bool:
    import pyarrow.parquet as pq

    files = list((home / "warehouse").rglob("*.parquet"))
    return any(words in str(pq.read_table(path, partitioning=None).to_pylist()) for path in files)


@pytest.mark.parametrize("small", [False, True])
def test_what_no_version_holds_is_gone_and_the_versions_that_stay_read_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    if small:
        monkeypatch.setattr("modelwright.formats.borders.SMALLEST", 2)
        monkeypatch.setattr(shrink, "FILES_AT_MOST", 0)
    secret = Made("books", "secret.txt", SECRET)
    published(tmp_path)
    published(tmp_path, [*BOOKS, secret], version=2)
    published(tmp_path, [*BOOKS[1:], secret], version=3)
    published(tmp_path, BOOKS[1:], version=4)
    before = [rows(tmp_path, version) for version in (1, 4)]
    assert warehouse_holds(tmp_path, SECRET)
    assert shrunk(tmp_path, [4, 1]) > 0
    assert not warehouse_holds(tmp_path, SECRET)
    assert not warehouse_holds(tmp_path, "secret.txt")
    assert [rows(tmp_path, version) for version in (1, 4)] == before
    assert [reader(tmp_path, version).problems() for version in (1, 4)] == [[], []]
    assert shrunk(tmp_path, [4, 1]) <= 0
    published(tmp_path, [*BOOKS, Made("books", "new.txt", "something new")], version=5)
    assert reader(tmp_path, 5).problems() == []
    assert rows(tmp_path, 1) == before[0]


def test_when_the_newest_version_goes_the_tables_stand_at_the_newest_that_stays(tmp_path: Path) -> None:
    published(tmp_path)
    published(tmp_path, [*BOOKS, Made("books", "secret.txt", SECRET)], version=2)
    shrunk(tmp_path, [1])
    assert not warehouse_holds(tmp_path, SECRET)
    assert reader(tmp_path).problems() == []
    with iceberg.opened(tmp_path) as catalog:
        assert catalog.load_table("pile.decisions").scan().to_arrow().num_rows == len(BOOKS)


def test_without_any_version_nothing_is_left(tmp_path: Path) -> None:
    published(tmp_path)
    shrunk(tmp_path, [])
    assert list((tmp_path / "warehouse").rglob("*.parquet")) == []
    published(tmp_path)
    assert reader(tmp_path).problems() == []
