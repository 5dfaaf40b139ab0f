"""The order of data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import EmptyResult, UnknownName
from modelwright.formats.tokens import Tokens
from modelwright.train.order import Order, chosen_ranges, permute


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5000), st.integers(0, 2**31), st.integers(0, 5))
def test_every_size_seed_and_epoch_gives_a_permutation(size: int, seed: int, epoch: int) -> None:
    images = permute(np.arange(size), size, seed, epoch)
    assert sorted(images.tolist()) == list(range(size))


@settings(max_examples=30, deadline=None)
@given(st.integers(2**20, 2**45), st.integers(0, 100))
def test_large_ranges_are_permuted_without_being_enumerated(size: int, seed: int) -> None:
    places = np.unique(np.random.default_rng(seed).integers(0, size, 500))
    images = permute(places, size, seed, 0)
    assert len(np.unique(images)) == len(places)
    assert images.min() >= 0
    assert images.max() < size


def test_the_permutation_is_a_fixed_function_of_seed_and_epoch() -> None:
    assert permute(np.arange(6), 1000, 7, 3).tolist() == permute(np.arange(6), 1000, 7, 3).tolist()
    assert permute(np.arange(6), 10, 0, 0).tolist() == [1, 8, 0, 2, 4, 6]  # golden: a change re-orders every run
    assert permute(np.arange(99), 99, 0, 0).tolist() != permute(np.arange(99), 99, 0, 1).tolist()
    assert permute(np.arange(99), 99, 0, 0).tolist() != permute(np.arange(99), 99, 1, 0).tolist()


def test_the_permutation_looks_random() -> None:
    images = permute(np.arange(20_000), 20_000, 1, 0).astype(float)
    assert abs(np.corrcoef(np.arange(20_000), images)[0, 1]) < 0.03
    assert abs(np.corrcoef(images[:-1], images[1:])[0, 1]) < 0.03


ranges_strategy = st.lists(st.integers(1, 400), min_size=1, max_size=5).map(
    lambda sizes: {f"s{i}": (sum(sizes[:i]) + 7 * i, sum(sizes[: i + 1]) + 7 * i) for i in range(len(sizes))}
)


@settings(max_examples=30, deadline=None)
@given(ranges_strategy, st.integers(1, 64), st.integers(1, 9), st.integers(0, 9))
def test_an_epoch_predicts_every_token_of_every_range_exactly_once(
    ranges: dict[str, tuple[int, int]], context: int, batch: int, seed: int
) -> None:
    order = Order(ranges, context, batch, seed)
    numbers = np.concatenate([order.windows_of_step(step) for step in range(-(-order.windows // batch))])
    spans = order.spans(numbers[: order.windows])
    assert (spans[:, 1] - spans[:, 0] <= context).all()
    seen = np.sort(np.concatenate([np.arange(start, end) for start, end in spans]))
    wanted = np.concatenate([np.arange(start, end) for start, end in ranges.values()])
    assert np.array_equal(seen, wanted)


@settings(max_examples=30, deadline=None)
@given(ranges_strategy, st.integers(1, 64), st.integers(1, 9), st.integers(0, 30), st.integers(0, 30))
def test_tokens_by_source_agree_with_counting_the_steps_one_by_one(
    ranges: dict[str, tuple[int, int]], context: int, batch: int, first: int, more: int
) -> None:
    order = Order(ranges, context, batch, 3)
    counted = dict.fromkeys(ranges, 0)
    for step in range(first, first + more):
        for start, end in order.spans(order.windows_of_step(step)).tolist():
            source = next(name for name, (low, high) in ranges.items() if low <= start < high)
            counted[source] += end - start
    assert order.tokens_by_source(first, first + more) == counted


def test_a_step_names_exactly_the_documents_whose_tokens_it_predicts(tokens: Path) -> None:
    opened = Tokens.open(tokens)
    order = Order(opened.source_ranges(), 16, 4, 0)
    owner = np.repeat(np.arange(len(opened.ends)), np.diff(opened.ends.astype(np.int64), prepend=0))
    for step in range(20):
        spans = order.spans(order.windows_of_step(step))
        wanted = np.unique(np.concatenate([owner[start:end] for start, end in spans]))
        assert order.documents_of_step(step, opened.ends).tolist() == wanted.tolist()


def test_an_unknown_source_is_named_and_an_empty_choice_is_an_error() -> None:
    with pytest.raises(UnknownName) as error:
        chosen_ranges({"handbook": (0, 5)}, ["handbok"])
    assert "handbook" in error.value.hint
    with pytest.raises(EmptyResult):
        chosen_ranges({"handbook": (5, 5)}, None)
    assert chosen_ranges({"a": (0, 5), "b": (5, 9)}, ["b"]) == {"b": (5, 9)}
