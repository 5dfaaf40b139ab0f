"""Rows: every token is learned once a pass, in an order that is a function of seed and position."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.tune.examples import NO_LOSS, Rows, mix, pack, positions, replayed, shuffled, windows
from modelwright.tune.method import Row

END = 0


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=200),
    st.integers(4, 40),
    st.lists(st.integers(0, 200), min_size=2, max_size=6),
)
def test_windows_cover_each_token_of_their_ranges_once(tokens: list[int], context: int, cuts: list[int]) -> None:
    cuts = sorted(min(cut, len(tokens)) for cut in cuts)
    ranges = list(zip(cuts[::2], cuts[1::2], strict=False))
    array = np.array(tokens, dtype=np.uint16)
    rows = windows(array, ranges, context, END)
    learned: list[int] = []
    for number in range(rows.count):
        row = rows.get(number)
        assert len(row.ids) == len(row.labels) == len(row.positions) <= context
        assert row.labels[0] == NO_LOSS
        assert list(row.labels[1:]) == list(row.ids[1:])
        learned += row.ids[1:]
    assert learned == [token for start, end in ranges for token in tokens[start:end]]
    assert rows.tokens == len(learned)


def test_positions_restart_where_a_document_begins() -> None:
    assert positions([5, 6, END, 7, 8, END, END, 9], END) == [0, 1, 0, 1, 2, 0, 0, 1]


ids = st.lists(st.integers(0, 20), max_size=8)


@settings(deadline=None)
@given(st.lists(st.tuples(ids, ids.filter(bool)), max_size=30), st.integers(18, 60))
def test_packed_pairs_carry_loss_on_completion_and_end_only(
    pairs: list[tuple[list[int], list[int]]], context: int
) -> None:
    rows = pack(pairs, context, END)
    labels: list[int] = []
    for number in range(rows.count):
        row = rows.get(number)
        assert len(row.ids) == len(row.labels) == len(row.positions) <= context
        assert all(label in (NO_LOSS, token) for label, token in zip(row.labels, row.ids, strict=True))
        labels += [label for label in row.labels if label != NO_LOSS]
    assert labels == [token for _, completion in pairs for token in [*completion, END]]
    assert rows.tokens == len(labels)


def test_the_permutation_is_fixed_for_ever() -> None:
    # A golden output: a change here would change every adapter that was ever tuned.
    assert shuffled(10, 0, 0).tolist() == GOLDEN
    assert sorted(shuffled(1000, 7, 3).tolist()) == list(range(1000))
    assert shuffled(1000, 7, 3).tolist() != shuffled(1000, 7, 4).tolist()


GOLDEN = [5, 9, 7, 8, 4, 2, 0, 3, 1, 6]


def numbered(count: int, label: int) -> Rows:
    return Rows(count, count, lambda number: Row([label, number], [0, 0], [0, 1]))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5, 0.9])
def test_replay_has_its_share_in_every_stretch(share: float) -> None:
    row = mix(numbered(7, 1), numbered(11, 2), share, seed=3)
    labels = [row(position).ids[0] for position in range(1000)]
    for start in range(0, 1000, 100):
        assert labels[start : start + 100].count(2) == pytest.approx(100 * share, abs=1)
    assert labels.count(2) == replayed(1000, share)


def test_every_example_comes_once_a_pass_and_passes_differ() -> None:
    row = mix(numbered(50, 1), numbered(20, 2), 0.5, seed=0)
    numbers = [row(position).ids[1] for position in range(200) if row(position).ids[0] == 1]
    assert Counter(numbers[:50]) == Counter(range(50)) == Counter(numbers[50:])
    assert numbers[:50] != numbers[50:]


def test_without_base_data_all_rows_are_examples() -> None:
    row = mix(numbered(5, 1), None, 0.5, seed=0)
    assert {row(position).ids[0] for position in range(20)} == {1}
