"""Scores keep one row per item, and their digest is a function of the set of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import InputError, StorageError
from modelwright.formats.scores import Scores, ordered, read_scores, schema, scores_digest, write_scores


def table(values: list[float]) -> pa.Table:
    rows = [
        {"benchmark": "bits_per_byte", "item": f"i{i}", "document": f"i{i}" if i % 2 else None, "source": "s",
         "metric": "bits_per_byte", "value": value, "weight": 10.0, "numerator": 10 * value, "denominator": 10.0}
        for i, value in enumerate(values)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=20), st.randoms())
def test_the_digest_depends_neither_on_order_nor_on_the_last_bits(values: list[float], random: Any) -> None:
    rounded = [round(value, 4) for value in values]
    digest = scores_digest(ordered(table(rounded)))
    order = list(range(len(values)))
    random.shuffle(order)
    assert scores_digest(ordered(table(rounded).take(order))) == digest
    assert scores_digest(ordered(table([value + 1e-8 for value in rounded]))) == digest
    assert scores_digest(ordered(table([value + 1e-4 for value in rounded]))) != digest


def test_what_is_written_is_read(tmp_path: Path) -> None:
    scores = Scores(table([2.0, 1.0, 3.0]), {"metrics": {"bits_per_byte": {"value": 2.0}}})
    assert write_scores(tmp_path, scores) == scores_digest(ordered(scores.table))
    again = read_scores(tmp_path)
    assert again.table.equals(ordered(scores.table))
    assert again.summary == scores.summary


def test_an_item_has_one_score_of_a_metric() -> None:
    with pytest.raises(ValueError, match="two scores"):
        ordered(pa.concat_tables([table([1.0]), table([2.0])]))


def test_a_folder_without_scores_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no scores\.parquet"):
        read_scores(tmp_path)


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        write_scores(tmp_path / "missing", Scores(table([1.0])))
