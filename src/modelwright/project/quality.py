"""How good the detectors of stage 1 are on labelled files: `modelwright benchmark prepare`, as data and as a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.govern.cards.card import Card, Column, Field, Row, Section, Table
from modelwright.govern.cards.render import render

COMMAND = "modelwright benchmark prepare"


def benchmark(
    folder: Path, only: Sequence[str] = (), write: bool = False, tell: Callable[[str], None] = lambda name: None
) -> dict[str, Any]:
    """{detectors: [...], missed: how many floors}; with `write` the figures, no texts, become those that are shipped.

    `tell` is called with the name of each detector as it is done. See `prepare/quality/report.py` for the errors.
    """
    from modelwright.prepare.quality import report

    results = []
    for result in report.measure(folder, only):
        tell(result.name)
        results.append(result)
    if write:
        report.write(results)
    return {
        "folder": str(folder),
        "detectors": [report.plain(result) for result in results],
        "missed": sum(len(result.missed) for result in results),
    }


def page(data: Mapping[str, Any]) -> str:
    """The same as one HTML page that needs nothing beside it. It holds excerpts of the labelled texts."""
    measured = [item for item in data["detectors"] if item["figures"]]
    figures = [figure for item in measured for figure in item["figures"]]
    floors = [figure for figure in figures if figure["met"] is not None]
    others = [item for item in data["detectors"] if item["missing"]]
    columns = (Column("detector"), Column("what was looked for and is not there"))
    rows = tuple(Row((_words(item["name"]), ", ".join(item["missing"]))) for item in others)
    absent = Section("Not measured, or not in full", tables=(Table("Files", columns, rows),)) if rows else Section("")
    sections = [*(_section(item) for item in measured), absent]
    headline = (
        Field("detectors measured", len(measured)),
        Field("figures", len(figures)),
        Field("floors met", sum(figure["met"] for figure in floors), note=f"of {len(floors)}"),
    )
    card = Card(
        "quality of detectors",
        "prepare",
        "How good the detectors are",
        "",
        data["folder"],
        f"Measured by `{COMMAND} {data['folder']}`; intervals are of 95 %.",
        headline=headline,
        sections=tuple(section for section in sections if not section.empty()),
    )
    return render(card, "html")


def _section(item: Mapping[str, Any]) -> Section:
    shown = tuple(
        Row((mistake["text"], mistake["expected"], mistake["found"], mistake["weight"])) for mistake in item["mistakes"]
    )
    columns = (Column("text, an excerpt"), Column("expected"), Column("found"), Column("weight"))
    worst = Table(f"The worst of {item['mistaken']:,} mistakes", columns, shown)
    tables = (figures_table(item["figures"]), *((worst,) if shown else ()))
    return Section(_words(item["name"]).capitalize(), tables=tables, text=item["measures"])


def figures_table(figures: Sequence[Mapping[str, Any]], title: str = "Figures") -> Table:
    """One row a figure: value with interval, rows that count, rows left out, the floor and whether it is met."""
    columns = (
        Column("measured on"),
        Column("metric"),
        Column("figure", interval=True),
        Column("items", "items"),
        Column("left out", "items"),
        Column("floor"),
        Column("verdict"),
    )
    return Table(title, columns, tuple(Row(_cells(figure)) for figure in figures))


def _cells(figure: Mapping[str, Any]) -> tuple[Any, ...]:
    met = {True: "pass", False: "fail", None: ""}[figure["met"]]
    interval = (figure["value"], figure["low"], figure["high"], "")
    return (
        figure["measured_on"], figure["metric"], interval, figure["items"], figure["left_out"], floor(figure), met,
    )  # fmt: skip


def floor(figure: Mapping[str, Any]) -> str:
    """`>= 0.9`, `<= 1`, or nothing."""
    low, high = figure["at_least"], figure["at_most"]
    return "  ".join([*([f"≥ {low:g}"] if low is not None else []), *([f"≤ {high:g}"] if high is not None else [])])


def _words(name: str) -> str:
    return name.replace("_", " ")
