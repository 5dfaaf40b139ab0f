"""Scores as tables: each metric with its interval, then each slice of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.core.context import Artifact
from modelwright.govern.cards.card import Column, Field, Row, Section, Table, facts_of
from modelwright.govern.records import Records

MEANING = {
    "bits_per_byte": "bits that the model needs for a byte of held-out text; lower is better",
    "gain": "relative change of bits per byte on held-out new data against the model before; positive is better",
    "forgetting": "relative change of bits per byte on held-out base data against the model before; positive is worse",
}
ORDER = ("bits_per_byte", "gain", "forgetting")
_ITEMS = ("items", "n", "count", "documents")


def scores_of(records: Records, ref: str) -> list[Artifact]:
    """Scores artifacts that were measured on `ref`, in order."""
    return [
        item
        for item in records.artifacts()
        if item.kind == "scores"
        and (
            item.record.get("of") == ref
            or any(p.get("role") == "subject" and p.get("ref") == ref for p in item.parents)
        )
    ]


def evaluation(scores: Sequence[Artifact]) -> Section:
    """The latest scores in full; earlier ones by name, so that none is forgotten."""
    if not scores:
        return Section("Evaluation", text="Not on record: nothing was measured on this model.")
    last = scores[-1]
    facts = facts_of(last)
    metrics = _ordered(facts.mapping("metrics"))
    tables = [_overview(last, metrics)]
    for name, metric in metrics.items():
        for key, value in metric.items() if isinstance(metric, Mapping) else ():
            if key.startswith("by_") and isinstance(value, Mapping) and value:
                tables.append(_slices(name, key, value, facts.source))
    earlier = Table(
        "Earlier evaluations",
        (Column("scores"), Column("digest", "digest"), Column("made at", "time")),
        tuple(Row((item.ref, item.digest, item.made_at), item.record.get("seq")) for item in scores[:-1]),
    )
    shown = [table for table in [*tables, earlier] if table.rows]
    fields = (Field("scores", last.ref, source=facts.source), *facts.rest())
    text = "Intervals are 95 % intervals over items."
    return Section("Evaluation", fields, tuple(shown), text=text)


def _ordered(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Canonical JSON sorts by name; people look for the first metric first."""
    return dict(sorted(metrics.items(), key=lambda pair: ORDER.index(pair[0]) if pair[0] in ORDER else len(ORDER)))


def unit_of(metric: str) -> str:
    return "share" if metric in ("gain", "forgetting") or metric.endswith("share") else ""


def metric(scores: Sequence[Artifact], name: str) -> Mapping[str, Any] | None:
    """The named metric of the latest scores."""
    found = facts_of(scores[-1]).mapping("metrics").get(name) if scores else None
    return {"value": found} if isinstance(found, (int, float)) else found if isinstance(found, Mapping) else None


def metric_field(scores: Sequence[Artifact], name: str, shown: str) -> Field | None:
    """The named metric as a field with its interval; None when it was not measured."""
    found = metric(scores, name)
    if found is None or found.get("value") is None:
        return None
    low, high = bounds(found)
    return Field(shown, found["value"], unit_of(name), source=scores[-1].record.get("seq"), low=low, high=high)


def bounds(item: Mapping[str, Any]) -> tuple[float | None, float | None]:
    interval = item.get("interval")
    if isinstance(interval, (list, tuple)) and len(interval) == 2:
        return interval[0], interval[1]
    return item.get("low"), item.get("high")


def _overview(scores: Artifact, metrics: Mapping[str, Any]) -> Table:
    """One row a metric; relative changes stand apart from the others' scale, so each row draws its own interval."""
    rows = []
    for name, value in metrics.items():
        found = value if isinstance(value, Mapping) else {"value": value}
        low, high = bounds(found)
        p_value = found.get("p_value", found.get("p"))
        value = (found.get("value"), low, high, unit_of(name))
        cells = (name.replace("_", " "), value, _items(found), p_value, MEANING.get(name, ""))
        rows.append(Row(cells, scores.record.get("seq")))
    columns = [
        Column("metric"),
        Column("value", interval=True),
        Column("items", "items"),
        Column("p"),
        Column("meaning"),
    ]
    if all(row.cells[3] is None for row in rows):
        columns.pop(3)
        rows = [Row(row.cells[:3] + row.cells[4:], row.source) for row in rows]
    return Table("Metrics", tuple(columns), tuple(rows))


def _slices(metric: str, key: str, values: Mapping[str, Any], source: int | None) -> Table:
    what = key.removeprefix("by_").replace("_", " ")
    rows = []
    for name, item in values.items():
        found = item if isinstance(item, Mapping) else {"value": item}
        low, high = bounds(found)
        rows.append(Row((name, (found.get("value"), low, high, unit_of(metric)), _items(found)), source))
    rows.sort(key=lambda row: (-(row.cells[2] or 0), row.cells[0]))
    columns = (Column(what), Column("value", interval=True), Column("items", "items"))
    return Table(f"{metric.replace('_', ' ').capitalize()} by {what}", columns, tuple(rows), long=len(rows) > 30)


def _items(found: Mapping[str, Any]) -> Any:
    return next((found[key] for key in _ITEMS if found.get(key) is not None), None)
