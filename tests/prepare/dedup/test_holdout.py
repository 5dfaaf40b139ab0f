"""Whole clusters are held out, by the digests of their texts alone."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.prepare.dedup.holdout import held_out

Row = tuple[str, str, str | None, str]
SCHEMA = pa.schema([(name, pa.string()) for name in ("document", "source", "digest", "cluster")])


def split(rows: list[Row], shares: dict[str, float]) -> dict[str, str]:
    table = pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA)
    result = held_out(table, shares)
    assert result["document"].to_pylist() == [row[0] for row in rows]
    return dict(zip(result["document"].to_pylist(), result["split"].to_pylist(), strict=True))


def digest(i: int) -> str:
    return hashlib.sha256(str(i).encode()).hexdigest()


LOW, HIGH = "0" * 64, "f" * 64


def test_one_member_below_its_share_holds_out_the_whole_cluster() -> None:
    rows = [("a", "s", HIGH, "c"), ("b", "s", LOW, "c"), ("d", "s", HIGH, "d")]
    assert split(rows, {"default": 0.01}) == {"a": "held_out", "b": "held_out", "d": "train"}


def test_a_share_is_that_of_the_members_own_source() -> None:
    rows = [("a", "ours", "1" + HIGH[1:], "a"), ("b", "open", "1" + HIGH[1:], "b")]
    assert split(rows, {"default": 0.01, "ours": 0.2}) == {"a": "held_out", "b": "train"}


@pytest.mark.parametrize(("share", "expected"), [(0.0, "train"), (1.0, "held_out")])
def test_no_share_holds_out_nothing_and_the_whole_everything(share: float, expected: str) -> None:
    rows: list[Row] = [("a", "s", LOW, "a"), ("b", "s", HIGH, "b")]
    assert set(split(rows, {"default": share}).values()) == {expected}


def test_the_share_that_is_reached_is_near_the_one_that_is_asked() -> None:
    rows: list[Row] = [(str(i), "s", digest(i), str(i)) for i in range(20_000)]
    reached = list(split(rows, {"default": 0.1}).values()).count("held_out") / len(rows)
    assert reached == pytest.approx(0.1, abs=0.01)


def test_a_member_without_a_text_decides_nothing() -> None:
    rows: list[Row] = [("a", "s", None, "a"), ("b", "s", LOW, "b")]
    assert split(rows, {"default": 0.5}) == {"a": "train", "b": "held_out"}
    assert split([], {"default": 0.5}) == {}


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 20)), max_size=60), st.integers(0, 60))
def test_new_documents_never_move_a_cluster_out_of_the_held_out_part(members: list[tuple[int, int]], cut: int) -> None:
    rows: list[Row] = [(str(i), "s", digest(text), str(cluster)) for i, (text, cluster) in enumerate(members)]
    before, after = split(rows[:cut], {"default": 0.2}), split(rows, {"default": 0.2})
    assert all(after[name] == "held_out" for name, part in before.items() if part == "held_out")
