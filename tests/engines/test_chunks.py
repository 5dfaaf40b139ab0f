from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from made_pile import Made, published, reader

from modelwright.engines import chunks
from modelwright.formats import borders


def rows(numbers: list[int]) -> pa.Table:
    ids = [hashlib.sha256(str(number).encode()).hexdigest() for number in numbers]
    return pa.table({"document": ids, "value": numbers})


def test_chunks_are_the_whole_table_in_order(monkeypatch) -> None:
    monkeypatch.setattr("modelwright.formats.borders.SMALLEST", 8)
    table = rows(list(range(1000)))
    parts = [part for _, part in chunks.cut(table)]
    assert len(parts) > 50
    assert pa.concat_tables(parts).equals(table)


@settings(max_examples=30)
@given(st.integers(0, 999), st.integers(1, 20))
def test_new_rows_change_the_chunks_next_to_them_only(place: int, count: int) -> None:
    before = list(range(1000))
    after = [*before[:place], *range(10_000, 10_000 + count), *before[place:]]
    smallest, borders.SMALLEST = borders.SMALLEST, 8
    try:
        old = {key for key, _ in chunks.cut(rows(before))}
        new = {key for key, _ in chunks.cut(rows(after))}
    finally:
        borders.SMALLEST = smallest
    assert len(old - new) <= 1
    assert len(new - old) <= 2 + count


def test_a_column_that_is_null_throughout_counts_as_absent() -> None:
    table = rows([1, 2, 3])
    wider = table.append_column("more", pa.nulls(3, pa.string()))
    assert chunks.cut(table)[0][0] == chunks.cut(wider)[0][0]
    assert chunks.cut(table)[0][0] != chunks.cut(wider.rename_columns(["document", "other", "more"]))[0][0]


def test_a_version_shares_the_files_of_what_did_not_change(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("modelwright.formats.borders.SMALLEST", 16)
    many = [Made("many", f"{number:05d}", f"text number {number}") for number in range(600)]
    first = published(tmp_path, many)
    second = published(tmp_path, [*many, Made("many", "00300b", "a new one")], version=2)
    for name in ("documents", "decisions", "signals"):
        old = {chunk.file for chunk in first.tables[name].chunks}
        new = {chunk.file for chunk in second.tables[name].chunks}
        assert len(old) > 15
        assert len(new - old) <= 2
    third = published(tmp_path, many, version=3)
    assert third.tables["documents"].chunks == first.tables["documents"].chunks
    assert [reader(tmp_path, version).documents().num_rows for version in (1, 2, 3)] == [600, 601, 600]
    assert [reader(tmp_path, version).problems() for version in (1, 2, 3)] == [[], [], []]


def test_why_reads_the_chunk_of_the_document_alone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("modelwright.formats.borders.SMALLEST", 16)
    many = [Made("many", f"{number:05d}", f"text number {number}") for number in range(600)]
    published(tmp_path, many)
    opened = reader(tmp_path)
    for doc in ("00300", "many:00300", many[300].document, many[300].digest):
        assert [row["origin"] for row in opened.why(doc)] == ["00300"]
    assert opened.why("many:nothing") == []
    assert "_decisions" not in vars(opened)


def test_names_kept_as_dictionaries_give_one_key_whatever_else_the_dictionary_holds() -> None:
    table = rows([1, 2, 3]).append_column("kind", pa.array(["b", "a", "b"]))
    coded = [
        pa.DictionaryArray.from_arrays(pa.array([1, 0, 1], pa.int32()), pa.array(["a", "b"])),
        pa.DictionaryArray.from_arrays(pa.array([2, 3, 2], pa.int32()), pa.array(["x", "y", "b", "a"])),
        pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int32()), pa.array(["b", "c"])),
    ]
    keys = [chunks.cut(table.set_column(2, "kind", column))[0][0] for column in coded]
    assert keys[0] == keys[1] != keys[2]
    ids = table["document"].combine_chunks().dictionary_encode()
    assert (chunks.prefixes(ids) == chunks.prefixes(table["document"])).all()


def test_the_size_of_a_chunk_counts_documents_and_not_their_rows(monkeypatch) -> None:
    monkeypatch.setattr("modelwright.formats.borders.SMALLEST", 8)
    once = chunks.cut(rows(list(range(1000))))
    often = chunks.cut(rows([number for number in range(1000) for _ in range(400)]))
    assert len(often) == len(once)
