"""Other engines read the pile's tables without modelwright: PyIceberg by catalogue and by file, DuckDB by both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_pile import BOOKS, Made, published, reader
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import StaticTable

NEW = Made("books", "new.txt", "one more book")
MORE = [*BOOKS, NEW]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of a small pile."""
    folder = tmp_path_factory.mktemp("outside")
    published(folder)
    published(folder, MORE, version=2)
    return folder


@pytest.fixture
def catalog(home: Path) -> Iterator[Any]:
    """The project's catalogue as docs/engines.md says that it is opened."""
    opened = SqlCatalog("pile", uri=f"sqlite:///{home}/catalog.db")
    yield opened
    opened.close()


def at(table: Any, tag: str) -> Any:
    return table.scan(snapshot_id=table.refs()[tag].snapshot_id)


def test_pyiceberg_reads_each_version_by_its_tag(home: Path, catalog: Any) -> None:
    for name in ("documents", "decisions", "signals", "findings"):
        table = catalog.load_table(f"pile.{name}")
        for version in (1, 2):
            mine = reader(home, version).table(name)
            theirs = at(table, f"pile@{version}").to_arrow()
            keys = ["document", "start"] if name == "findings" else ["document"]
            columns = theirs.column_names
            order = [(key, "ascending") for key in keys]
            assert theirs.sort_by(order).to_pylist() == mine.select(columns).sort_by(order).to_pylist()


def test_pyiceberg_filters_and_joins_texts_by_their_digest(catalog: Any) -> None:
    documents = at(catalog.load_table("pile.documents"), "pile@2").to_arrow()
    texts = catalog.load_table("pile.texts").scan().to_arrow()
    joined = documents.join(texts, "digest").filter(documents_of("new.txt"))
    assert joined["text"].to_pylist() == [NEW.text]
    held_out = catalog.load_table("pile.documents").scan(row_filter="split = 'held_out'").to_arrow()
    assert held_out["origin"].to_pylist() == ["b/held.txt"]


def documents_of(origin: str) -> Any:
    import pyarrow.compute as pc

    return pc.field("origin") == origin


def test_a_table_is_read_from_its_metadata_file_alone(catalog: Any) -> None:
    place = catalog.load_table("pile.documents").metadata_location
    table = StaticTable.from_metadata(place)
    assert table.scan().to_arrow().num_rows == 6
    assert at(table, "pile@1").to_arrow().num_rows == 5


def test_duckdb_reads_arrow_of_pyiceberg_and_the_files_that_it_names(catalog: Any) -> None:
    duckdb = pytest.importorskip("duckdb")
    documents = at(catalog.load_table("pile.documents"), "pile@2")
    files = [task.file.file_path.removeprefix("file://") for task in documents.plan_files()]
    stored = catalog.load_table("pile.texts").scan()
    texts = [task.file.file_path.removeprefix("file://") for task in stored.plan_files()]
    with duckdb.connect() as connection:
        connection.register("arrow", documents.to_arrow())
        query = "select split, count(*), sum(bytes) from {} group by split order by split"
        by_arrow = connection.execute(query.format("arrow")).fetchall()
        by_files = connection.execute(query.format("read_parquet(?)"), [files]).fetchall()
        whole = connection.execute(
            "select origin, text from read_parquet(?) join read_parquet(?) using (digest) order by source, origin",
            [files, texts],
        ).fetchall()
    assert by_arrow == by_files
    assert [row[:2] for row in by_arrow] == [("held_out", 1), ("train", 5)]
    inside = [one for one in MORE if one.decision in ("kept", "changed")]
    assert whole == [(one.origin, one.text) for one in sorted(inside, key=lambda one: (one.source, one.origin))]


def test_duckdb_reads_the_metadata_file_where_its_extension_is_installed(catalog: Any) -> None:
    duckdb = pytest.importorskip("duckdb")
    place = catalog.load_table("pile.documents").metadata_location.removeprefix("file://")
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        try:
            connection.execute("load iceberg")
        except duckdb.Error:
            pytest.skip("DuckDB's extension iceberg is not installed, and tests do not download it")
        rows = connection.execute("select count(*) from iceberg_scan(?)", [place]).fetchone()
    assert rows == (6,)
