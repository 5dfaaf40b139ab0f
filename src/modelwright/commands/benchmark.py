"""`modelwright benchmark`: how good the detectors are on labelled data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from modelwright import terminal
from modelwright.api.quality import benchmark_page, benchmark_prepare
from modelwright.commands.common import answer
from modelwright.core.errors import UnknownName

app = typer.Typer(help="How good the detectors are on labelled data.", no_args_is_help=True, rich_markup_mode=None)
FORMS = ("table", "html", "json")


@app.callback()
def benchmark() -> None:
    """Keeps `prepare` a command of its own: more stages may be measured."""


@app.command("prepare", epilog="Example: modelwright benchmark prepare labelled --only personal_data")
def prepare(
    labelled: Annotated[Path, typer.Argument(metavar="LABELLED", help="folder of labelled files")],
    only: Annotated[list[str] | None, typer.Option(help="one detector, such as personal_data; may be repeated")] = None,
    as_: Annotated[str, typer.Option("--as", help="table, html or json")] = "table",
    strict: Annotated[bool, typer.Option(help="exit code 1 when a floor is missed")] = False,
    write: Annotated[
        bool, typer.Option(help="for maintainers: ship these figures (no texts) with modelwright")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Figures with intervals and floors, and the five worst mistakes of each detector with an excerpt of their text."""
    if as_ not in FORMS:
        raise UnknownName("form", as_, FORMS, where="--as")
    data = benchmark_prepare(labelled, only or (), write, lambda name: terminal.err().print(f"[dim]{name}[/dim]"))
    if as_ == "html" and not json_:
        print(benchmark_page(data))
    else:
        answer(json_ or as_ == "json", data, show)
    if strict and data["missed"]:
        raise typer.Exit(1)


def show(data: Mapping[str, Any]) -> None:
    """The table of figures, then the mistakes, then what could not be measured."""
    console = terminal.out()
    rows = [_row(figure) for item in data["detectors"] for figure in item["figures"]]
    if rows:
        console.print(terminal.table(rows))
    for item in data["detectors"]:
        if item["mistakes"]:
            print(f"\n{item['name'].replace('_', ' ')}: the worst of {item['mistaken']:,} mistakes")
        for mistake in item["mistakes"]:
            print(f"  expected {mistake['expected']}, found {mistake['found']}: {mistake['text']}")
    for item in data["detectors"]:
        if item["missing"]:
            words = "measured in part" if item["figures"] else "not measured"
            print(f"\n{item['name'].replace('_', ' ')}: {words}, no {', '.join(item['missing'])} in {data['folder']}")


def _row(figure: Mapping[str, Any]) -> dict[str, Any]:
    low, high = figure["low"], figure["high"]
    interval = f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else ""
    bounds = [f">= {figure['at_least']:g}" if figure["at_least"] is not None else ""]
    bounds += [f"<= {figure['at_most']:g}" if figure["at_most"] is not None else ""]
    return {
        "detector": figure["detector"],
        "measured on": figure["measured_on"],
        "metric": figure["metric"],
        "value": f"{figure['value']:.3f}{interval}",
        "items": figure["items"],
        "left out": figure["left_out"],
        "floor": " ".join(bound for bound in bounds if bound),
        "met": {True: "yes", False: "NO", None: ""}[figure["met"]],
    }
