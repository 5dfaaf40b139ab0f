"""What every command shares: its arguments, how a project is opened, how an answer is printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from modelwright import api, terminal

Place = Annotated[Path, typer.Argument(metavar="PROJECT", help="folder or modelwright.yaml")]
At = Annotated[Path, typer.Option("--project", "-p", help="folder or modelwright.yaml")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object")]
Set = Annotated[list[str] | None, typer.Option("--set", help="override a setting: prepare.rules.gopher.min_words=30")]
Sample = Annotated[str | None, typer.Option("--sample", help="use a share of the documents, such as 1%")]
PileRef = Annotated[str, typer.Option("--at", help="version of the pile: pile@3, a tag or a digest")]

_trust: list[bool] = []


def trust_plugins() -> None:
    """From now on the plugins of a project are run without asking."""
    _trust.append(True)


def opened(place: Path, overrides: Sequence[str] | None = None) -> api.Project:
    return api.load(place, overrides or (), ask)


def ask(files: list[Path]) -> bool:
    terminal.err().print(f"This project brings its own code: {', '.join(str(path) for path in files)}")
    if _trust:
        return True
    return sys.stdin.isatty() and typer.confirm("Run it with your rights?", err=True)


def answer(as_json: bool, data: Any, show: Callable[[Any], None]) -> None:
    """One JSON object on stdout, or the table for people."""
    if as_json:
        print(json.dumps(data, ensure_ascii=False, default=str))
    else:
        show(data)
