"""`modelwright classifier`: own classifiers, broad fields, themes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from modelwright import terminal
from modelwright.commands.common import At, Json, PileRef, answer, opened

app = typer.Typer(
    help="Own classifiers, broad fields and themes: signals that you teach.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("train", epilog="Example: modelwright classifier train good.jsonl bad.jsonl --name quality")
def classifier_train(
    good: Annotated[Path, typer.Argument(help="a folder of texts, a text file (one a line), or JSON Lines")],
    bad: Annotated[
        Path | None, typer.Argument(help="what they are told from; left out with --against or --label")
    ] = None,
    name: Annotated[str, typer.Option(help="name of the file and of the columns")] = "quality",
    label: Annotated[str | None, typer.Option(help="field with the label: GOOD holds all classes")] = None,
    text: Annotated[str, typer.Option(help="field with the text")] = "text",
    against: Annotated[str | None, typer.Option(help="a pile: GOOD alone against a sample of it")] = None,
    project: At = Path("."),
    json_: Json = False,
) -> None:
    """Train a classifier on labelled texts; it then is a signal like any other."""
    made = opened(project).classifier_train(good, bad, against=against, name=name, text=text, label=label)
    answer(json_, made, lambda data: _print_made(data, "classifier"))


@app.command("domains", epilog="Example: modelwright classifier domains --count 1000")
def classifier_domains(
    count: Annotated[int, typer.Option(min=10, help="documents that the teacher labels")] = 2000,
    name: Annotated[str, typer.Option(help="name of the file")] = "domain",
    at: PileRef = "pile",
    project: At = Path("."),
    json_: Json = False,
) -> None:
    """Teach the 16 broad fields on your own pile; prints how far student and teacher agree."""

    def tell(done: int, of: int) -> None:
        if sys.stderr.isatty():
            print(
                f"\rlabelled {done:,} of {of:,} documents", end="" if done < of else "\n", file=sys.stderr, flush=True
            )

    made = opened(project).classifier_domains(at, name=name, count=count, tell=tell)
    answer(json_, made, _print_domains)


@app.command("themes", epilog="Example: modelwright classifier themes --count 12 --save")
def classifier_themes(
    count: Annotated[int, typer.Option(min=2, max=100, help="themes to look for")] = 12,
    save: Annotated[bool, typer.Option("--save", help="fix them as a classifier")] = False,
    name: Annotated[str, typer.Option(help="name of the file and of the columns")] = "theme",
    at: PileRef = "pile",
    project: At = Path("."),
    json_: Json = False,
) -> None:
    """Themes of the pile, found without labels, named by their words."""
    answer(json_, opened(project).classifier_themes(at, count=count, save=save, name=name), _print_themes)


@app.command("language", epilog="Example: modelwright classifier language samples.jsonl --name nordic")
def classifier_language(
    samples: Annotated[list[Path], typer.Argument(help="JSON Lines with `text` and `language`")],
    name: Annotated[str, typer.Option(help="name of the file")] = "languages",
    project: At = Path("."),
    json_: Json = False,
) -> None:
    """Teach languages that the shipped model lacks."""

    def show(data: dict[str, Any]) -> None:
        print(f"{data['file']} ({data['digest'][:12]}): {', '.join(data['languages'])}")
        print(f"Use it: signals: [{{language: {{add: {data['file']}}}}}]")

    answer(json_, opened(project).classifier_language(samples, name), show)


def _print_made(data: dict[str, Any], plugin: str) -> None:
    for figure in ("accuracy", "macro_f1", "auc"):
        found = data["figures"].get(figure)
        if found:
            print(f"{figure.replace('_', ' ')} {_interval(found)} on {found['items']:,} texts not learnt from")
    print(f"{data['file']} ({data['digest'][:12]}); card: {data['card']}")
    print(f"Use it: signals: [{{{plugin}: {{model: {data['file']}}}}}]")


def _print_domains(data: dict[str, Any]) -> None:
    rows = [{"field": field, "share": f"{share:.1%}"} for field, share in data["shares"].items()]
    terminal.out().print(terminal.table(rows, ["field", "share"]))
    agreement = data["agreement"]
    print(f"student and teacher agree on {_interval(agreement)} of {agreement['items']:,} documents not learnt from")
    _print_made(data, "domain")


def _print_themes(data: dict[str, Any]) -> None:
    rows = [
        {"theme": row["theme"], "share": f"{row['share']:.1%}", "words": " ".join(row["words"])}
        for row in data["themes"]
    ]
    terminal.out().print(terminal.table(rows, ["theme", "share", "words"]))
    if "file" in data:
        _print_made(data, "classifier")


def _interval(found: dict[str, Any]) -> str:
    return f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})"
