"""The verbs over Daft hold the cures of its traps."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import InputError
from modelwright.engines import daft

READ = pa.schema([("key", pa.string()), ("text", pa.large_string())])
LENGTH = pa.schema([("length", pa.int64())])


def task(rows: list[tuple[str, str | None]]):
    def read() -> Iterator[pa.RecordBatch]:
        keys, texts = [row[0] for row in rows], [row[1] for row in rows]
        yield pa.record_batch([pa.array(keys, pa.string()), pa.array(texts, pa.large_string())], schema=READ)

    return read


def lengths(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.record_batch({"length": pc.cast(pc.binary_length(batch["text"]), pa.int64())})


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.none() | st.text(max_size=30), max_size=20), min_size=1, max_size=5))
def test_every_row_of_every_task_is_read_and_mapped_once(parts: list[list[str | None]]) -> None:
    rows = [[(f"{i}-{j}", text) for j, text in enumerate(part)] for i, part in enumerate(parts)]
    frame = daft.map_batches(daft.read([task(part) for part in rows], READ), lengths, ["text"], LENGTH, keep=["key"])
    found = daft.collect(frame, pa.schema([("key", pa.string()), ("length", pa.int64())]))
    expected = {key: None if text is None else len(text.encode()) for part in rows for key, text in part}
    assert dict(zip(found["key"].to_pylist(), found["length"].to_pylist(), strict=True)) == expected
    assert found.num_rows == len(expected)


@pytest.mark.parametrize("rows", [0, 1, 2, 4])
def test_a_kernel_that_returns_another_number_of_rows_raises(rows: int) -> None:
    frame = daft.read([task([("a", "x"), ("b", "y"), ("c", "z")])], READ)
    short = daft.map_batches(frame, lambda batch: pa.record_batch({"length": [1] * rows}), ["text"], LENGTH)
    with pytest.raises(ValueError, match=f"{rows} rows of 3"):
        daft.collect(short)


def test_a_kernel_runs_in_this_process_and_gets_large_strings() -> None:
    seen: list[tuple[pa.DataType, int]] = []

    def kernel(batch: pa.RecordBatch) -> pa.RecordBatch:
        seen.append((batch.schema.field("text").type, os.getpid()))
        return lengths(batch)

    daft.collect(daft.map_batches(daft.read([task([("a", "x")])], READ), kernel, ["text"], LENGTH))
    assert seen == [(pa.large_string(), os.getpid())]


def test_a_task_that_fails_says_why() -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        raise ValueError("the disk is on fire")
        yield

    with pytest.raises(Exception, match="the disk is on fire"):
        daft.collect(daft.read([broken], READ))


def test_an_error_of_ours_in_a_task_or_a_kernel_comes_out_with_its_hint() -> None:
    def fails(*_: object) -> Iterator[pa.RecordBatch]:
        raise InputError("no such row", hint="look again")
        yield

    def kernel(batch: pa.RecordBatch) -> pa.RecordBatch:
        raise InputError("no such row", hint="look again")

    good = daft.read([task([("a", "x")])], READ)
    for frame in (daft.read([fails], READ), daft.map_batches(good, kernel, ["text"], LENGTH)):
        with pytest.raises(InputError, match="no such row") as raised:
            daft.collect(frame)
        assert raised.value.hint == "look again"


def test_sql_sees_the_named_frames_and_no_variable_of_the_caller() -> None:
    frame = daft.from_arrow(pa.table({"n": [1, 2, 3]}))
    hidden = daft.from_arrow(pa.table({"n": [4]}))
    assert daft.collect(daft.sql("select sum(n) as total from rows", rows=frame))["total"].to_pylist() == [6]
    with pytest.raises(Exception, match="hidden"):
        daft.collect(daft.sql("select * from hidden", rows=frame))
    assert hidden.count_rows() == 1
