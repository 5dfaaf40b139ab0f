"""`modelwright rules`: what the rules of a project do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from modelwright import terminal
from modelwright.commands.common import At, Json, PileRef, answer, opened

app = typer.Typer(help="What the rules of a project do.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def rules() -> None:
    """Keeps `show` a command of its own."""


@app.command("show", epilog="Example: modelwright rules show --rule gopher")
def show_rules(
    at: PileRef = "pile",
    rule: Annotated[str | None, typer.Option(help="one rule, with its predicates and examples")] = None,
    seed: Annotated[int, typer.Option(help="draws other examples")] = 0,
    project: At = Path("."),
    json_: Json = False,
) -> None:
    """What each rule drops alone, first and only, which is redundant, and examples near the thresholds."""
    answer(json_, opened(project).rules_show(at, rule, seed), show)


def show(data: Mapping[str, Any]) -> None:
    """The rules, their predicates that fire, then the examples."""
    console = terminal.out()
    total = terminal.size(data["bytes"])
    print(f"{data['pile']}: {data['documents']:,} documents, {total}; the rules drop {_amount(data['dropped'])}\n")
    console.print(terminal.table([_row(item, item["rule"], "") for item in data["rules"]]))
    for item in data["rules"]:
        print()
        parts = [_row(part, part["predicate"], part["condition"]) for part in item["predicates"]]
        fired = [row for row in parts if row["alone"] != _amount({"documents": 0, "bytes": 0})]
        met = {row["name"] for row in fired}
        silent = [name for name in dict.fromkeys(row["name"] for row in parts) if name not in met]
        if fired:
            console.print(terminal.table(fired, title=item["rule"]))
        if silent:
            print(f"{item['rule']}: no document meets {', '.join(silent)}")
        for side in ("dropped", "kept"):
            _examples(item, side)
    print("\nalone: it fires; first: it is the reason given; only: what would come back without it")
    for message in data["gone"]:
        print(f"no excerpts of dropped documents where a source is gone: {message}")
    if data["differs"]:
        print(f"{data['differs']:,} documents were decided by other rules than those of the project file as it stands")


def _row(item: Mapping[str, Any], name: str, condition: str) -> dict[str, Any]:
    shared = item["shared_with"]
    return {
        "name": name,
        **({"drops when": condition} if condition else {}),
        "alone": _amount(item["alone"]),
        "first": _amount(item["first"]),
        "only": _amount(item["only"]),
        "most with": f"{shared['name']} ({shared['documents']:,})" if shared else "",
        "redundant": "yes" if item["redundant"] else "",
    }


def _amount(count: Mapping[str, int]) -> str:
    return f"{count['documents']:,} ({terminal.size(count['bytes'])})"


def _examples(item: Mapping[str, Any], side: str) -> None:
    rows = [row for row in item["examples"] if row["side"] == side]
    if rows:
        print(f"\n{item['rule']}: {side}, near the threshold")
    for row in rows:
        value = terminal.number(row["value"])
        print(f"  {row['source']}:{row['origin']}  {row['predicate']}, here {value}")
        print(f"    {row['note'] or row['excerpt']}")
