from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core.errors import IntegrityError
from modelwright.formats.findings import conform_findings, counted, encoded, findings_schema, in_order
from modelwright.formats.pile import conform

ROWS = st.lists(
    st.tuples(
        st.sampled_from("cab"), st.sampled_from("yx"), st.integers(0, 3), st.integers(0, 3), st.sampled_from("nm")
    ),
    max_size=30,
)


def table(rows: list[tuple[str, str, int, int, str]]) -> pa.Table:
    """Findings; a document's source and origin follow from it."""
    named = [
        {"document": d, "source": f"s{ord(d) % 2}", "origin": f"o{9 - ord(d) % 7}", "signal": signal, "kind": kind,
         "start": start, "end": end, "confidence": 1.0}
        for d, signal, start, end, kind in rows
    ]  # fmt: skip
    plain = [
        field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field for field in findings_schema()
    ]
    return pa.Table.from_pylist(named, pa.schema(plain))


@given(ROWS)
def test_findings_are_ordered_as_every_table_of_a_pile_whether_their_names_are_dictionaries_or_not(rows: list) -> None:
    found = table(rows)
    expected = conform(found, "findings").drop(["pile"])
    for given_ in (found, found.cast(findings_schema()), pa.concat_tables([found[:5], found[5:]])):
        assert conform_findings(given_).cast(found.schema).select(expected.column_names).equals(expected)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), max_size=40))
def test_rows_are_ordered_by_all_their_numbers(rows: list[tuple[int, int, int]]) -> None:
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    order = in_order(columns[0], columns[1], columns[2])
    assert [rows[place] for place in order] == sorted(rows)


def test_a_column_of_chunks_with_different_dictionaries_is_one_list_of_names() -> None:
    column = pa.chunked_array([pa.array(["b", "a"]).dictionary_encode(), pa.array(["c", "a"]).dictionary_encode()])
    codes, names = encoded(column)
    assert names.take(pa.array(codes)).to_pylist() == ["b", "a", "c", "a"]
    assert counted(column) == {"a": 2, "b": 1, "c": 1}
    assert list(counted(column)) == ["a", "b", "c"]


def test_a_finding_of_no_document_is_an_error() -> None:
    broken = table([("a", "x", 0, 1, "m")]).set_column(0, "document", pa.array([None], pa.string()))
    with pytest.raises(IntegrityError, match="have no document"):
        conform_findings(broken)
