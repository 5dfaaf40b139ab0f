"""Intervals, paired tests and how many items they need. Pure functions of numbers and a seed.

Shares of successes have exact or score intervals, honest at 0 % and 100 %; everything else is resampled over items,
because the items (documents, questions) are what another sample would change.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

RESAMPLES = 9999
_CELLS = 1 << 22  # random numbers held at once
_ITEMS_AT_MOST = 1 << 40


@dataclass(frozen=True)
class Interval:
    """A value with its confidence interval over `items`. `low` and `high` are None where too few items say nothing;
    `value` is None without items. `p` is two-sided, of the test against no difference, where there is one."""

    value: float | None
    low: float | None
    high: float | None
    items: int
    p: float | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def wilson(successes: int, items: int, confidence: float = 0.95) -> Interval:
    """Score interval of a share (Wilson 1927). 0 of 60 is below 6 %."""
    _check(successes, items, confidence)
    if items == 0:
        return Interval(None, None, None, 0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, extra = successes / items, z * z / items
    middle = (share + extra / 2) / (1 + extra)
    half = z * math.sqrt(share * (1 - share) / items + extra / (4 * items)) / (1 + extra)
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == items else min(1.0, middle + half)
    return Interval(share, low, high, items)


def clopper_pearson(successes: int, items: int, confidence: float = 0.95) -> Interval:
    """Exact interval of a share (Clopper and Pearson 1934): covers at least as often as it says."""
    from scipy.special import betaincinv

    _check(successes, items, confidence)
    if items == 0:
        return Interval(None, None, None, 0)
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, items - successes + 1, tail))
    high = 1.0 if successes == items else float(betaincinv(successes + 1, items - successes, 1 - tail))
    return Interval(successes / items, low, high, items)


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided exact p (McNemar 1947) from the items that only one of two models gets right."""
    from scipy.special import bdtr

    if min(only_a, only_b) < 0:
        raise ValueError(f"counts below zero: {only_a}, {only_b}")
    if only_a == only_b:
        return 1.0
    return min(1.0, 2.0 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))


def mean_interval(values: Floats, confidence: float = 0.95, seed: int = 0) -> Interval:
    """Mean of `values` (n,) with a bootstrap interval over items; for paired differences, give the differences."""
    import numpy as np

    values = np.asarray(values, np.float64)
    return ratio_interval(values, np.ones_like(values), confidence, seed)


def ratio_interval(numerators: Floats, denominators: Floats, confidence: float = 0.95, seed: int = 0) -> Interval:
    """Sum of `numerators` over sum of `denominators` (both (n,), denominators above 0), bootstrapped over items."""
    import numpy as np

    def statistic(totals: Floats) -> Floats:
        return np.asarray(totals[..., 0] / totals[..., 1])

    return _bootstrap(np.stack([numerators, denominators], axis=1), statistic, confidence, seed)


def relative_change(before: Floats, after: Floats, confidence: float = 0.95, seed: int = 0) -> Interval:
    """sum(after) / sum(before) - 1 over paired items (n,), with a bootstrap interval over pairs; p by exchanging
    before and after within pairs. For ratios of sums with equal denominators the same as the change of the ratio."""
    import numpy as np

    def statistic(totals: Floats) -> Floats:
        return np.asarray(totals[..., 1] / totals[..., 0] - 1)

    columns = np.stack([np.asarray(before, np.float64), np.asarray(after, np.float64)], axis=1)
    interval = _bootstrap(columns, statistic, confidence, seed)
    return Interval(interval.value, interval.low, interval.high, interval.items, sign_flip(after - before, seed))


def sign_flip(differences: Floats, seed: int = 0) -> float | None:
    """Two-sided p that paired `differences` (n,) have no direction: how often random signs give a sum as far from 0.

    Exact over all 2^n signs up to 13 items, else by 9,999 draws; None without items.
    """
    import numpy as np

    differences = np.asarray(differences, np.float64)
    count = len(differences)
    if count == 0:
        return None
    seen = abs(differences.sum()) * (1 - 1e-12)
    if 2**count <= RESAMPLES:
        signs = 1.0 - 2.0 * ((np.arange(2**count)[:, None] >> np.arange(count)) & 1)
        return float((np.abs(signs @ differences) >= seen).mean())
    generator, as_far, left = np.random.default_rng(seed), 0, RESAMPLES
    while left:
        rows = min(left, max(1, _CELLS // count))
        signs = generator.integers(0, 2, (rows, count), dtype=np.int8) * 2.0 - 1.0
        as_far += int((np.abs(signs @ differences) >= seen).sum())
        left -= rows
    return (as_far + 1) / (RESAMPLES + 1)


def _bootstrap(columns: Floats, statistic: Callable[[Floats], Floats], confidence: float, seed: int) -> Interval:
    """Percentile interval of statistic(sums of columns), widened for small samples as Hesterberg (2015) does: the
    percentiles are those of Student's t with n - 1 degrees of freedom and a variance over n - 1."""
    import numpy as np
    from scipy.special import ndtr, stdtrit

    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not at {confidence}")
    count = len(columns)
    if count == 0:
        return Interval(None, None, None, 0)
    value = float(statistic(columns.sum(axis=0)))
    if count == 1:
        return Interval(value, None, None, 1)
    generator, found = np.random.default_rng(seed), []
    left = RESAMPLES
    while left:
        rows = min(left, max(1, _CELLS // (count * columns.shape[1])))
        found.append(statistic(columns[generator.integers(0, count, (rows, count))].sum(axis=1)))
        left -= rows
    tail = float(ndtr(math.sqrt(count / (count - 1)) * stdtrit(count - 1, (1 - confidence) / 2)))
    low, high = np.quantile(np.concatenate(found), [tail, 1 - tail])
    return Interval(value, float(low), float(high), count)


def items_for_width(share: float, width: float, confidence: float = 0.95) -> int:
    """Items that a share needs for a Wilson interval no wider than `width`."""
    if not (0 <= share <= 1 and 0 < width < 1):
        raise ValueError(f"share {share} and width {width} must lie between 0 and 1")

    def wide(items: int) -> bool:
        interval = wilson(round(share * items), items, confidence)
        return (interval.high or 0.0) - (interval.low or 0.0) > width

    return _smallest(lambda items: not wide(items))


def items_for_power(difference: float, deviation: float, power: float = 0.8, confidence: float = 0.95) -> int:
    """Pairs that a paired test needs to see a mean `difference` whose items scatter by `deviation`, with `power`
    (normal approximation)."""
    if difference == 0 or deviation < 0 or not (0 < power < 1 and 0 < confidence < 1):
        raise ValueError("a difference other than 0, a deviation of 0 or more, power and confidence between 0 and 1")
    normal = NormalDist()
    z = normal.inv_cdf((1 + confidence) / 2) + normal.inv_cdf(power)
    return max(2, math.ceil((z * deviation / difference) ** 2))


def items_to_decide(interval: Interval, bound: float) -> int | None:
    """How many more items would bring `bound` outside an interval that now holds it, if the value stays: the width
    falls with the root of the items. 0 when it is outside, None when no number of items can tell."""
    value, low, high, items = interval.value, interval.low, interval.high, interval.items
    if value is None or low is None or high is None or items == 0:
        return None
    if not low <= bound <= high:
        return 0
    if value == bound:
        return None
    half = high - value if bound > value else value - low
    ratio = half / abs(bound - value)
    wanted = items * ratio * ratio  # not a power: that overflows instead of growing infinite
    return max(1, math.ceil(wanted) - items) if wanted <= _ITEMS_AT_MOST else None


def _smallest(holds: Callable[[int], bool]) -> int:
    """The smallest number from which on `holds` is true, for a condition that is true for all large numbers."""
    high = 1
    while not holds(high):
        high *= 2
        if high > _ITEMS_AT_MOST:
            raise ValueError("no number of items suffices")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _check(successes: int, items: int, confidence: float) -> None:
    if not 0 <= successes <= items:
        raise ValueError(f"{successes} of {items} is no share")
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not at {confidence}")
