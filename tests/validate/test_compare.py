"""Two scores artifacts are enough for a paired answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.formats.scores import Scores, schema
from modelwright.validate.compare import compare, gain_and_forgetting


def bits(values: dict[str, float], sizes: dict[str, float] | None = None) -> Scores:
    """item `source/number` -> bits over 1,000 bytes."""
    rows = []
    for item, number in values.items():
        size = (sizes or {}).get(item, 1000.0)
        rows.append(
            {"benchmark": "bits_per_byte", "item": item, "document": item, "source": item.split("/")[0],
             "metric": "bits_per_byte", "value": number / size, "weight": size, "numerator": number,
             "denominator": size}
        )  # fmt: skip
    return Scores(pa.Table.from_pylist(rows, schema()))


def answers(values: list[float]) -> Scores:
    rows = [
        {"benchmark": "choice", "item": str(i), "metric": "right", "value": value, "weight": 1.0}
        for i, value in enumerate(values)
    ]
    return Scores(pa.Table.from_pylist(rows, schema()))


def many(source: str, factor: float, scatter: float = 0.01, count: int = 30, seed: int = 0) -> dict[str, float]:
    before = np.random.default_rng(0).lognormal(7, 0.5, count)
    noise = np.random.default_rng(seed).normal(factor, scatter, count) if scatter else np.full(count, factor)
    return {f"{source}/{i}": float(x) for i, x in enumerate(before * noise)}


def test_gain_and_forgetting_are_positive_where_tuning_helps_and_harms() -> None:
    base = bits({**many("ours", 1.0, 0), **many("open", 1.0, 0)})
    tuned = bits({**many("ours", 0.8, seed=1), **many("open", 1.05, seed=2)})
    found = gain_and_forgetting(base, tuned, {"ours"})
    for name, value in (("gain", 0.2), ("forgetting", 0.05)):
        measured = found[name]
        assert measured["value"] == pytest.approx(value, abs=0.01)
        assert 0 < measured["low"] < measured["value"] < measured["high"]
        assert measured["items"] == 30
        assert measured["p"] < 0.001


def test_the_same_model_gains_and_forgets_nothing() -> None:
    same = bits({**many("ours", 1.0), **many("open", 1.0)})
    found = gain_and_forgetting(same, same, {"ours"})
    for name in ("gain", "forgetting"):
        assert found[name] == {"value": 0.0, "low": 0.0, "high": 0.0, "items": 30, "p": 1.0}


def test_without_held_out_items_there_is_no_value() -> None:
    found = gain_and_forgetting(bits(many("open", 1.0)), bits(many("open", 1.1)), {"ours"})
    assert found["gain"] == {"value": None, "low": None, "high": None, "items": 0, "p": None}
    assert found["forgetting"]["items"] == 30


def test_only_items_that_both_were_scored_on_are_compared() -> None:
    a = bits({"s/1": 1000.0, "s/2": 2000.0, "s/3": 500.0}, {"s/3": 100.0})
    b = bits({"s/2": 1000.0, "s/3": 900.0, "s/4": 1.0})
    (found,) = compare(a, b)
    assert (found["items"], found["only_a"], found["only_b"]) == (1, 2, 2)
    assert (found["a"], found["b"]) == (2.0, 1.0)
    assert found["relative_change"]["value"] == -0.5
    assert found["relative_change"]["low"] is None


def test_right_and_wrong_answers_are_compared_by_mcnemar() -> None:
    (found,) = compare(answers([1.0] * 10 + [0.0] * 10), answers([0.0] * 8 + [1.0] * 12))
    assert found["test"] == "exact McNemar"
    assert found["difference"]["value"] == pytest.approx(0.1)
    assert found["difference"]["p"] == pytest.approx(
        2 * sum([1, 18, 153, 816, 3060, 8568, 18564, 31824, 43758]) / 2**18
    )


def test_other_values_are_compared_by_permutation() -> None:
    (found,) = compare(answers([0.5, 0.25, 0.75]), answers([0.75, 0.5, 1.0]))
    assert found["test"] == "paired permutation"
    assert found["difference"]["value"] == pytest.approx(0.25)
    assert found["difference"]["p"] == 0.25


def test_nothing_in_common_is_said_and_not_tested() -> None:
    (found,) = compare(bits({"s/1": 1.0}), bits({"s/2": 1.0}))
    assert found["items"] == 0
    assert found["difference"] is None
    both: Any = compare(bits({"s/1": 1.0}), answers([1.0]))
    assert [entry["benchmark"] for entry in both] == ["bits_per_byte", "choice"]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(10, 1000), min_size=2, max_size=12), st.randoms())
def test_the_order_of_rows_changes_nothing_and_swapping_turns_the_sign(values: list[float], random: Any) -> None:
    a = bits({f"s/{i}": value for i, value in enumerate(values)})
    b = bits({f"s/{i}": value * random.uniform(0.5, 1.5) for i, value in enumerate(values)})
    order = list(range(len(values)))
    random.shuffle(order)
    (found,) = compare(a, b)
    assert compare(Scores(a.table.take(order)), b) == [found]
    (swapped,) = compare(b, a)
    assert swapped["difference"]["value"] == pytest.approx(-found["difference"]["value"])
    assert swapped["difference"]["p"] == found["difference"]["p"]
