"""Intervals and tests against scipy, and against what they promise."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure import statistics
from modelwright.measure.statistics import Interval

counts = st.integers(1, 400).flatmap(lambda items: st.tuples(st.integers(0, items), st.just(items)))


def test_none_of_sixty_is_bounded_near_six_percent() -> None:
    assert statistics.wilson(0, 60).high == pytest.approx(0.0602, abs=1e-4)
    assert statistics.clopper_pearson(0, 60).high == pytest.approx(0.0596, abs=1e-4)
    assert statistics.wilson(60, 60).low == pytest.approx(1 - 0.0602, abs=1e-4)


@settings(max_examples=100, deadline=None)
@given(counts, st.sampled_from([0.8, 0.95, 0.99]))
def test_intervals_of_shares_are_those_of_scipy(pair: tuple[int, int], confidence: float) -> None:
    test = scipy.stats.binomtest(*pair)
    for ours, method in ((statistics.wilson, "wilson"), (statistics.clopper_pearson, "exact")):
        expected, found = test.proportion_ci(confidence, method), ours(*pair, confidence)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 200), st.integers(0, 200))
def test_mcnemar_is_the_exact_binomial_test(a: int, b: int) -> None:
    expected = scipy.stats.binomtest(a, a + b).pvalue if a + b else 1.0
    assert statistics.mcnemar(a, b) == pytest.approx(expected, abs=1e-9)


def test_impossible_counts_are_refused() -> None:
    for successes, items in ((-1, 3), (4, 3)):
        with pytest.raises(ValueError, match="is no share"):
            statistics.wilson(successes, items)
    with pytest.raises(ValueError, match="confidence"):
        statistics.wilson(1, 3, 1.0)
    with pytest.raises(ValueError, match="below zero"):
        statistics.mcnemar(-1, 2)


def test_no_items_give_no_value_and_one_item_gives_no_interval() -> None:
    nothing = np.zeros(0)
    assert statistics.wilson(0, 0) == Interval(None, None, None, 0)
    assert statistics.clopper_pearson(0, 0) == Interval(None, None, None, 0)
    assert statistics.ratio_interval(nothing, nothing) == Interval(None, None, None, 0)
    assert statistics.relative_change(nothing, nothing) == Interval(None, None, None, 0, None)
    assert statistics.ratio_interval(np.array([3.0]), np.array([2.0])) == Interval(1.5, None, None, 1)


def test_a_seed_fixes_every_resampling() -> None:
    values = np.random.default_rng(0).normal(size=50)
    assert statistics.mean_interval(values, seed=3) == statistics.mean_interval(values, seed=3)
    assert statistics.mean_interval(values, seed=3) != statistics.mean_interval(values, seed=4)
    assert statistics.sign_flip(values, seed=3) == statistics.sign_flip(values, seed=3)


@pytest.mark.parametrize("items", [8, 30, 200])
def test_the_interval_of_a_mean_agrees_with_students_t_where_that_is_exact(items: int) -> None:
    values = np.random.default_rng(items).normal(1.0, 0.3, items)
    expected = scipy.stats.t.interval(0.95, items - 1, values.mean(), scipy.stats.sem(values))
    found = statistics.mean_interval(values)
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(expected, abs=0.12 * (expected[1] - expected[0]))


def test_the_interval_of_a_ratio_of_sums_covers_the_truth_about_as_often_as_it_says() -> None:
    generator, covered = np.random.default_rng(5), 0
    for trial in range(300):
        sizes = generator.lognormal(7, 1, 25)
        bits = sizes * generator.normal(2.0, 0.3, 25)
        interval = statistics.ratio_interval(bits, sizes, seed=trial)
        assert interval.low is not None
        assert interval.high is not None
        covered += interval.low <= 2.0 <= interval.high
    assert 0.90 <= covered / 300 <= 0.99


def test_a_paired_change_is_seen_where_unpaired_items_scatter_more() -> None:
    generator = np.random.default_rng(1)
    before = generator.lognormal(8, 1, 30)
    after = before * generator.normal(0.95, 0.02, 30)
    change = statistics.relative_change(before, after)
    assert change.value == pytest.approx(after.sum() / before.sum() - 1)
    assert change.high is not None
    assert change.high < 0
    assert change.p is not None
    assert change.p < 0.001


def test_equal_pairs_have_no_change_and_no_evidence() -> None:
    same = np.random.default_rng(2).lognormal(8, 1, 40)
    assert statistics.relative_change(same, same) == Interval(0.0, 0.0, 0.0, 40, 1.0)


def test_sign_flips_are_exact_for_few_items_and_agree_with_scipy_for_many() -> None:
    few = np.array([0.5, 1.0, 2.0, 3.0, 4.0])
    assert statistics.sign_flip(few) == 2 / 2**5
    many = np.random.default_rng(3).normal(0.3, 1, 60)
    expected = scipy.stats.permutation_test(
        (many,), np.sum, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(0)
    ).pvalue
    assert statistics.sign_flip(many) == pytest.approx(expected, abs=0.01)
    assert statistics.sign_flip(np.zeros(0)) is None


def test_p_of_no_difference_is_spread_evenly() -> None:
    generator = np.random.default_rng(4)
    found = [statistics.sign_flip(generator.normal(size=20), seed=i) or 0.0 for i in range(200)]
    assert scipy.stats.kstest(found, "uniform").pvalue > 0.01


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 1), st.floats(0.05, 0.5))
def test_items_for_a_width_suffice_and_one_less_does_not(share: float, width: float) -> None:
    def wide(items: int) -> bool:
        interval = statistics.wilson(round(share * items), items)
        assert interval.low is not None
        assert interval.high is not None
        return interval.high - interval.low > width

    items = statistics.items_for_width(share, width)
    assert not wide(items)
    assert items == 1 or wide(items - 1)


def test_items_for_power_reach_it() -> None:
    items = statistics.items_for_power(difference=0.5, deviation=1.0, power=0.8)
    generator = np.random.default_rng(6)
    p = scipy.stats.ttest_1samp(generator.normal(0.5, 1.0, (4000, items)), 0, axis=1).pvalue
    assert (p < 0.05).mean() == pytest.approx(0.8, abs=0.05)
    with pytest.raises(ValueError, match="other than 0"):
        statistics.items_for_power(0, 1)


def test_more_items_are_asked_for_only_where_the_bound_lies_inside() -> None:
    interval = Interval(0.03, 0.01, 0.05, 100)
    assert statistics.items_to_decide(interval, 0.06) == 0
    assert statistics.items_to_decide(interval, 0.04) == 300
    assert statistics.items_to_decide(interval, 0.03) is None
    assert statistics.items_to_decide(Interval(0.03, None, None, 1), 0.04) is None
