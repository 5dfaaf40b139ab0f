from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_pile import BOOKS, Made, edited, published, reader, tables, tree

from modelwright.core.errors import IntegrityError, StorageError
from modelwright.engines import iceberg
from modelwright.formats.pile import conform


def test_a_version_is_one_snapshot_a_table_tagged_with_its_name(tmp_path: Path) -> None:
    record = published(tmp_path)
    with iceberg.opened(tmp_path) as catalog:
        for name, version in record.tables.items():
            table = catalog.load_table(version.identifier)
            assert [str(one.snapshot_id) for one in table.snapshots()] == [version.snapshot_id]
            if name != "texts":
                assert str(table.refs()["pile@1"].snapshot_id) == version.snapshot_id


def test_an_earlier_version_reads_the_same_after_a_later_one(tmp_path: Path) -> None:
    published(tmp_path)
    before = [
        getattr(reader(tmp_path), name)().to_pylist() for name in ("documents", "decisions", "signals", "findings")
    ]
    published(tmp_path, [*BOOKS[:2], Made("books", "new.txt", "a new one")], version=2)
    after = [
        getattr(reader(tmp_path), name)().to_pylist() for name in ("documents", "decisions", "signals", "findings")
    ]
    assert before == after
    assert reader(tmp_path, 2).documents().num_rows == 3


def test_texts_are_written_once_whatever_the_number_of_versions(tmp_path: Path) -> None:
    published(tmp_path)
    published(tmp_path, edited(BOOKS, "main.py", text="def other(): ...\n"), version=2)
    with iceberg.opened(tmp_path) as catalog:
        stored = catalog.load_table(iceberg.TEXTS).scan().to_arrow()["digest"].to_pylist()
    assert len(stored) == len(set(stored)) == 6


def test_a_column_may_come_change_its_type_and_go(tmp_path: Path) -> None:
    plain = tables(BOOKS)[2]
    other = plain.set_column(plain.column_names.index("words"), "words", pa.array([0.5] * plain.num_rows))
    other = other.append_column("abuse_score", pa.array([0.1] * plain.num_rows))
    versions = {"pile@1": plain, "pile@2": other, "pile@3": plain.drop(["words"])}
    with iceberg.opened(tmp_path) as catalog:
        table = iceberg.ensure(catalog, "signals")
        written = {
            pile: iceberg.replace(table, conform(rows, "signals").drop(["pile"]), tag=pile)
            for pile, rows in versions.items()
        }
        one, two, three = (iceberg.read(table, version) for version in written.values())
    rows = conform(plain, "signals")
    assert one["words"].type == pa.int64()
    assert one["words"].to_pylist() == rows["words"].to_pylist()
    assert two["words"].to_pylist() == [0.5] * rows.num_rows
    assert two["abuse_score"].to_pylist() == [0.1] * rows.num_rows
    assert three["words"].null_count == three.num_rows == rows.num_rows


def test_no_text_path_or_name_leaks_into_metadata(tmp_path: Path) -> None:
    secret = "Zyxwvu-Confidential"
    published(tmp_path, [Made(secret, f"{secret}/file.txt", f"{secret} begins this text", licence=secret)])
    files = [path for path in (tmp_path / "warehouse").rglob("metadata/*") if path.is_file()]
    assert files
    import fastavro

    for path in files:
        if path.suffix == ".avro":
            with path.open("rb") as stream:
                assert secret[:6] not in str(list(fastavro.reader(stream)))
        else:
            assert secret[:6].encode() not in path.read_bytes()


def test_texts_have_row_groups_of_at_most_4096_rows_and_files_of_bounded_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iceberg, "PIECE_BYTES", 200_000)
    many = [Made("many", f"{number:05d}", f"text number {number}") for number in range(9_000)]
    record = published(tmp_path, many)
    with iceberg.opened(tmp_path) as catalog:
        files = iceberg.text_files(iceberg.load(catalog, record.tables["texts"]))
    assert len(files) > 3
    stored = [digest for path in files for digest in pq.read_table(path, partitioning=None)["digest"].to_pylist()]
    assert stored == [one.digest for one in sorted(many, key=lambda one: one.origin)]
    assert max(pq.ParquetFile(path).metadata.row_group(0).num_rows for path in files) <= 4096


def test_duckdb_reads_the_same_rows(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    record = published(tmp_path)
    with iceberg.opened(tmp_path) as catalog:
        paths = {
            name: [task.file.file_path for task in iceberg.load(catalog, version).scan(
                snapshot_id=int(version.snapshot_id)).plan_files()]
            for name, version in record.tables.items()
        }  # fmt: skip
    with duckdb.connect() as connection:
        query = "SELECT source, origin, text FROM read_parquet(?) JOIN read_parquet(?) USING (digest) ORDER BY ALL"
        rows = connection.execute(query, [paths["documents"], paths["texts"]]).fetchall()
    inside = [one for one in BOOKS if one.decision in ("kept", "changed")]
    assert rows == sorted((one.source, one.origin, one.text) for one in inside)


def test_a_sweep_removes_torn_files_and_nothing_that_any_snapshot_reaches(tmp_path: Path) -> None:
    published(tmp_path)
    published(tmp_path, BOOKS[:2], version=2)
    before = tree(tmp_path)
    torn = tmp_path / "warehouse" / "pile" / "texts" / "data" / "torn.parquet"
    torn.write_bytes(b"PAR1 half")
    with iceberg.opened(tmp_path) as catalog:
        assert iceberg.sweep(catalog) == [torn]
    assert tree(tmp_path) == before
    assert reader(tmp_path).problems() == []


def test_a_snapshot_that_is_gone_is_an_integrity_error_with_its_cure(tmp_path: Path) -> None:
    published(tmp_path)
    with iceberg.opened(tmp_path) as catalog:
        catalog.drop_table("pile.decisions")
    with pytest.raises(IntegrityError, match=r"pile\.decisions is gone") as caught:
        reader(tmp_path)
    assert caught.value.hint


def test_a_damaged_catalogue_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_bytes(b"this is no database at all, not by far" * 100)
    with pytest.raises(StorageError, match="damaged"), iceberg.opened(tmp_path):
        pass
