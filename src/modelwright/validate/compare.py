"""Two models on the same items: paired tests, gain and forgetting. Pure functions of two scores artifacts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from modelwright.formats.scores import Scores
from modelwright.measure import statistics
from modelwright.measure.statistics import Interval

if TYPE_CHECKING:
    import pyarrow as pa

METRIC = "bits_per_byte"


def compare(a: Scores, b: Scores, confidence: float = 0.95, seed: int = 0) -> list[dict[str, Any]]:
    """`b` against `a` on the items that both were scored on, one entry per benchmark and metric:

    benchmark, metric, items (in both), only_a, only_b (items of one alone), a, b (values over the common items),
    difference {value, low, high, items, p} of b - a, relative_change (the same, of b / a - 1; null where a is 0 or the
    metric is no ratio), test: `exact McNemar` for right or wrong, else `paired permutation`. Items weigh the same,
    except in a ratio of sums. Intervals: bootstrap over pairs.
    """
    names = sorted(set(_names(a.table)) | set(_names(b.table)))
    return [_compare(name, _rows(a.table, *name), _rows(b.table, *name), confidence, seed) for name in names]


def gain_and_forgetting(
    base: Scores, tuned: Scores, new_sources: Iterable[str], confidence: float = 0.95, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """What tuning brought and what it cost, by bits per byte on held-out items that both were scored on.

    gain         relative decrease on items of `new_sources`: positive is better
    forgetting   relative increase on all other items: positive is worse

    Each is {value, low, high, items, p}: paired bootstrap interval, paired permutation test. Without items the value
    is null, with one item the interval is.
    """
    import pyarrow.compute as pc

    pairs = _paired(_rows(base.table, METRIC, METRIC), _rows(tuned.table, METRIC, METRIC))
    new = pc.fill_null(pc.is_in(pairs["source"], _strings(new_sources)), False)
    gain = _change(pairs.filter(new), confidence, seed)
    forgetting = _change(pairs.filter(pc.invert(new)), confidence, seed)
    return {"gain": _negated(gain).to_json(), "forgetting": forgetting.to_json()}


def _strings(values: Iterable[str]) -> pa.Array:
    import pyarrow as pa

    return pa.array(sorted(values), pa.string())


def _names(table: pa.Table) -> list[tuple[str, str]]:
    groups = table.group_by(["benchmark", "metric"]).aggregate([])
    return list(zip(groups["benchmark"].to_pylist(), groups["metric"].to_pylist(), strict=True))


def _rows(table: pa.Table, benchmark: str, metric: str) -> pa.Table:
    import pyarrow.compute as pc

    return table.filter(pc.and_(pc.equal(table["benchmark"], benchmark), pc.equal(table["metric"], metric)))


def _paired(a: pa.Table, b: pa.Table) -> pa.Table:
    """Items of both, in order of their names: item, source, value, numerator, denominator, and the last three of `b`
    with `_b`. Whether an item is the same is said by its name and denominator: other bytes are another item."""
    columns = ["item", "value", "numerator", "denominator"]
    joined = a.select([*columns, "source"]).join(b.select(columns), "item", join_type="inner", right_suffix="_b")
    return joined.filter(_same_size(joined)).sort_by("item")


def _same_size(joined: pa.Table) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    same = pc.equal(joined["denominator"], joined["denominator_b"])
    return pc.or_(pc.fill_null(same, False), pc.and_(*(pc.is_null(joined[f"denominator{x}"]) for x in ("", "_b"))))


def _change(pairs: pa.Table, confidence: float, seed: int) -> Interval:
    before, after = (pairs[name].to_numpy() for name in ("numerator", "numerator_b"))
    return statistics.relative_change(before, after, confidence, seed)


def _negated(interval: Interval) -> Interval:
    value, low, high = (None if x is None else -x for x in (interval.value, interval.high, interval.low))
    return Interval(value, low, high, interval.items, interval.p)


def _compare(name: tuple[str, str], a: pa.Table, b: pa.Table, confidence: float, seed: int) -> dict[str, Any]:
    pairs = _paired(a, b)
    result: dict[str, Any] = {
        "benchmark": name[0], "metric": name[1], "items": len(pairs), "only_a": len(a) - len(pairs),
        "only_b": len(b) - len(pairs),
    }  # fmt: skip
    if len(pairs) == 0:
        return {**result, "a": None, "b": None, "difference": None, "relative_change": None, "test": None}
    if pairs["numerator"].null_count == 0 and pairs["denominator"].null_count == 0:
        return {**result, **_ratios(pairs, confidence, seed)}
    return {**result, **_means(pairs, confidence, seed)}


def _ratios(pairs: pa.Table, confidence: float, seed: int) -> dict[str, Any]:
    before, after, size = (pairs[name].to_numpy() for name in ("numerator", "numerator_b", "denominator"))
    difference = statistics.ratio_interval(after - before, size, confidence, seed)
    change = statistics.relative_change(before, after, confidence, seed).to_json() if before.sum() > 0 else None
    return {
        "a": float(before.sum() / size.sum()),
        "b": float(after.sum() / size.sum()),
        "difference": {**difference.to_json(), "p": statistics.sign_flip(after - before, seed)},
        "relative_change": change,
        "test": "paired permutation",
    }


def _means(pairs: pa.Table, confidence: float, seed: int) -> dict[str, Any]:
    import numpy as np

    before, after = (pairs[name].to_numpy() for name in ("value", "value_b"))
    right_or_wrong = bool(np.isin(np.concatenate([before, after]), (0.0, 1.0)).all())
    if right_or_wrong:
        p: float | None = statistics.mcnemar(int((before > after).sum()), int((after > before).sum()))
    else:
        p = statistics.sign_flip(after - before, seed)
    difference = statistics.mean_interval(after - before, confidence, seed)
    return {
        "a": float(before.mean()),
        "b": float(after.mean()),
        "difference": {**difference.to_json(), "p": p},
        "relative_change": None,
        "test": "exact McNemar" if right_or_wrong else "paired permutation",
    }
