"""How good the detectors of a version are: the figures that modelwright ships, measured on labelled data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.govern.cards.card import Column, Facts, Row, Section, Table


def detectors(facts: Facts) -> Section:
    """A table of figures with intervals and floors; an empty section where no figures were shipped."""
    columns = (
        Column("detector"),
        Column("measured on"),
        Column("metric"),
        Column("figure", interval=True),
        Column("items", "items"),
        Column("floor"),
        Column("verdict"),
    )
    rows, measured = [], set()
    for detector in facts.mapping("detectors").values():
        measured.add(f"{detector['measured_at']} with modelwright {detector['versions'].get('modelwright', '?')}")
        for item in detector["figures"]:
            interval = (item["value"], item["low"], item["high"], "")
            floor, verdict = _floor(item)
            cells = (item["detector"], item["measured_on"], item["metric"], interval, item["items"], floor, verdict)
            rows.append(Row(cells, facts.source))
    if not rows:
        return Section("Quality of the detectors")
    text = (
        f"Measured on labelled data that nothing was tuned on, {', '.join(sorted(measured))}; not on this pile. "
        "`modelwright benchmark prepare LABELLED` prints these figures again, with the worst mistakes."
    )
    table = Table("Figures with 95 % intervals", columns, tuple(rows), long=len(rows) > 30)
    return Section("Quality of the detectors", tables=(table,), text=text)


def _floor(figure: Mapping[str, Any]) -> tuple[str, str]:
    """The floor or ceiling in words, and whether it is met."""
    low, high, value = figure["at_least"], figure["at_most"], figure["value"]
    if low is None and high is None:
        return "", ""
    met = (low is None or value >= low) and (high is None or value <= high)
    words = [f"at least {low:g}"] if low is not None else []
    words += [f"at most {high:g}"] if high is not None else []
    return ", ".join(words), "pass" if met else "fail"
