"""From scores per item to the metrics that gates and cards read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelwright.measure import statistics

if TYPE_CHECKING:
    import pyarrow as pa


def summarise(table: pa.Table, confidence: float = 0.95, seed: int = 0) -> dict[str, Any]:
    """Metric -> {value, low, high, items, weight, by_source, by_language} from rows of `formats.scores.schema`.

    A metric is named by its benchmark, followed by `.` and its own name where they differ. The value is taken over the
    items of documents, over all items where none is of a document; `by_source` and `by_language` map each to
    {value, low, high, items, weight}. `weight` is the sum of the items' weights (bytes, for bits per byte). A ratio of
    sums is bootstrapped over items, a share of right answers has a Wilson interval, any other mean a bootstrap.
    """
    import pyarrow.compute as pc

    result: dict[str, Any] = {}
    for benchmark, metric in _names(table):
        rows = table.filter(pc.and_(pc.equal(table["benchmark"], benchmark), pc.equal(table["metric"], metric)))
        of_documents = rows.filter(pc.is_valid(rows["document"]))
        summary = _interval(of_documents if len(of_documents) else rows, confidence, seed)
        for column in ("source", "language"):
            summary[f"by_{column}"] = {
                name: _interval(rows.filter(pc.equal(rows[column], name)), confidence, seed)
                for name in sorted(pc.unique(rows[column]).drop_null().to_pylist())
            }
        result[benchmark if benchmark == metric else f"{benchmark}.{metric}"] = summary
    return result


def _names(table: pa.Table) -> list[tuple[str, str]]:
    groups = table.group_by(["benchmark", "metric"]).aggregate([]).to_pylist()
    return sorted((row["benchmark"], row["metric"]) for row in groups)


def _interval(rows: pa.Table, confidence: float, seed: int) -> dict[str, Any]:
    import numpy as np

    values = rows["value"].to_numpy()
    if rows["numerator"].null_count == 0 and rows["denominator"].null_count == 0:
        interval = statistics.ratio_interval(
            rows["numerator"].to_numpy(), rows["denominator"].to_numpy(), confidence, seed
        )
    elif np.isin(values, (0.0, 1.0)).all():
        interval = statistics.wilson(int(values.sum()), len(values), confidence)
    else:
        interval = statistics.mean_interval(values, confidence, seed)
    summary = {key: value for key, value in interval.to_json().items() if key != "p"}
    return {**summary, "weight": float(rows["weight"].to_numpy().sum())}
