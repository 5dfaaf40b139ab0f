"""The command line: every command calls `modelwright.api`, prints a table, or with `--json` one object."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from modelwright import api, terminal
from modelwright.commands import benchmark, classifier, pile, rules
from modelwright.commands import takedown as takedown_command
from modelwright.commands import verify as verify_command
from modelwright.commands.common import At, Json, Place, Sample, Set, answer, ask, opened, trust_plugins
from modelwright.core.errors import ModelwrightError, UsageError

app = typer.Typer(
    help="From raw data to a governed, running model with one project file.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(pile.app, name="pile")
app.add_typer(rules.app, name="rules")
app.add_typer(benchmark.app, name="benchmark")
app.add_typer(classifier.app, name="classifier")
app.command(epilog="Example: modelwright verify release")(verify_command.verify)
app.command(epilog="Example: modelwright takedown books:a/one.txt --execute")(takedown_command.takedown)

# Typer carries a click of its own, whose base of errors has no public name.
ClickError: type[Any] = typer.BadParameter.__mro__[2]


@app.callback()
def common(
    trust: Annotated[bool, typer.Option("--trust-plugins", help="run the code in a project's plugins/")] = False,
    version: Annotated[bool, typer.Option("--version", help="print the version")] = False,
) -> None:
    if trust:
        trust_plugins()
    if version:
        import modelwright

        print(modelwright.__version__)
        raise typer.Exit


@app.command(epilog="Example: modelwright new handbook --template pile")
def new(
    folder: Path,
    template: Annotated[str, typer.Option(help="see `modelwright list templates`")] = "demo",
    json_: Json = False,
) -> None:
    """Make a project that runs as it is."""
    path = api.new(folder, template)
    answer(json_, {"project": str(path)}, lambda data: print(f"made {path}\nnext: modelwright run {folder}"))


@app.command(epilog="Example: modelwright plan --set prepare.rules.gopher.min_words=30")
def plan(
    place: Place = Path("."),
    set_: Set = None,
    sample: Sample = None,
    to: Annotated[str | None, typer.Option(help="last stage")] = None,
    rebuild: Annotated[str | None, typer.Option(help="as if this stage were to run again")] = None,
    sweep: Annotated[
        str | None, typer.Option(help="what each value yields: prepare.dedup.minhash.threshold=0.7,0.8")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="draw the sweep, as .png or .svg")] = None,
    json_: Json = False,
) -> None:
    """Per step: unchanged, or will run because ...; with time, memory, disk and their basis."""
    project = opened(place, _overrides(set_, sample))
    if sweep is not None:
        setting, _, values = sweep.partition("=")
        swept = project.sweep(setting.strip(), [value.strip() for value in values.split(",") if value.strip()], plot)
        answer(json_, {"sweep": swept}, lambda data: terminal.show_sweep(data["sweep"]))
        return
    steps = project.plan(to, rebuild)  # before the what-if, which reads and measures what is new
    what_if = project.what_if()
    answer(json_, {"steps": steps, **({"what_if": what_if} if what_if else {})}, terminal.show_plan)


def _overrides(set_: list[str] | None, sample: str | None) -> list[str]:
    return [*(set_ or []), *([f"prepare.sample={sample.replace('%', ' %')}"] if sample else [])]


@app.command(epilog="Example: modelwright run demo --to train")
def run(
    place: Place = Path("."),
    to: Annotated[str | None, typer.Option(help="last stage: prepare, train, validate, tune, deploy")] = None,
    set_: Set = None,
    sample: Sample = None,
    rebuild: Annotated[str | None, typer.Option(help="run this stage again although nothing changed")] = None,
    branch: Annotated[str | None, typer.Option(help="an experiment: its overrides, and those given, are kept")] = None,
    json_: Json = False,
) -> None:
    """Make everything that is not up to date; resume what was interrupted."""
    overrides = _overrides(set_, sample)
    if branch is not None:
        overrides = opened(place).branch_overrides(branch, overrides)
    _run(place, to, overrides, rebuild, json_, branch)


def _run(
    place: Path, to: str | None, overrides: list[str], rebuild: str | None, as_json: bool, branch: str | None = None
) -> None:
    project = opened(place, overrides)
    reporter = terminal.Reporter()
    asked: list[int] = []

    def stop(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        terminal.err().print("stopping at the next safe point; the same command resumes (again: at once)")

    before = signal.signal(signal.SIGINT, stop)
    try:
        steps = project.run(to, rebuild, reporter, lambda: bool(asked))
    finally:
        reporter.close()
        signal.signal(signal.SIGINT, before)
    if branch is not None:
        project.branch(branch, overrides)
    answer(as_json, {"steps": steps, "exit_code": 0, "error": None}, lambda data: None)
    if not as_json and all(step["action"] == "unchanged" for step in steps):
        print(f"nothing to do: {', '.join(step['artifact'] for step in steps)} are up to date")


def _stage_command(stage: str, words: str) -> None:
    @app.command(stage, help=words, epilog=f"Example: modelwright {stage} demo")
    def command(place: Place = Path("."), set_: Set = None, sample: Sample = None, json_: Json = False) -> None:
        _run(place, stage, _overrides(set_, sample), None, json_)


for _stage, _words in {
    "prepare": "Sources to the base data pile and tokens.",
    "train": "Up to and including training.",
    "validate": "Up to and including the scores.",
    "tune": "Up to and including tuning and its scores.",
    "deploy": "Everything, up to releases and exports.",
}.items():
    _stage_command(_stage, _words)


@app.command("list", epilog="Example: modelwright list signals")
def list_(
    kind: Annotated[str | None, typer.Argument(help="pile, model, tags, templates, sources, rules ...")] = None,
    project: At = Path("."),
    json_: Json = False,
) -> None:
    """Artifacts, tags, templates, or the plugins of a kind with their one-line help."""
    rows = api.plugins_or_templates(kind, project, ask) if kind else None
    rows = opened(project).list(kind) if rows is None else rows
    answer(
        json_,
        {"items": rows},
        lambda data: (
            terminal.out().print(terminal.table(data["items"]))
            if data["items"]
            else print("nothing yet: `modelwright run`")
        ),
    )


@app.command(epilog="Example: modelwright show pile@1")
def show(reference: str, project: At = Path("."), json_: Json = False) -> None:
    """Facts, metrics, parents and children of an artifact or run."""
    answer(json_, opened(project).show(reference), lambda data: print("\n".join(terminal.tree(data))))


@app.command(epilog="Example: modelwright compare scores@1 scores@2")
def compare(a: str, b: str, project: At = Path("."), json_: Json = False) -> None:
    """What differs between two artifacts; for scores a paired test."""
    answer(json_, opened(project).compare(a, b), lambda data: print("\n".join(terminal.tree(data))))


@app.command(epilog="Example: modelwright card model --as html > card.html")
def card(
    reference: str,
    as_: Annotated[
        str, typer.Option("--as", help="md, html, json, huggingface, croissant, cyclonedx or eu-summary")
    ] = "md",
    against: Annotated[str | None, typer.Option(help="print what differs from the card of this one")] = None,
    project: At = Path("."),
    json_: Json = False,
) -> None:
    """Print the data card, model card or fact sheet, in a form for people or for another system."""
    opened_project = opened(project)
    form = {"md": "json", "eu-summary": "eu-summary-json"}.get(as_, as_) if json_ else as_
    print(opened_project.card(reference, form, against).rstrip("\n"))
    absent = () if against else opened_project.card_missing(reference, form)
    if absent:
        terminal.err().print(f"nobody stated what {as_} requires: {', '.join(absent)}", markup=False)


@app.command(epilog="Example: modelwright why standard_library:abc.py")
def why(document: str, project: At = Path("."), json_: Json = False) -> None:
    """Every decision on a document in every version: rule, signal, value, threshold, duplicate of."""
    answer(json_, {"documents": opened(project).why(document)}, terminal.show_why)


@app.command(epilog="Example: modelwright trace release")
def trace(reference: str, project: At = Path("."), json_: Json = False) -> None:
    """Lineage of an artifact, up and down."""

    def show_edges(data: Any) -> None:
        for child, parent in data["edges"]:
            print(f"{child} <- {parent}")

    answer(json_, opened(project).trace(reference), show_edges)


@app.command(epilog="Example: modelwright approve model@1 --gate quality")
def approve(
    reference: str,
    gate: Annotated[str, typer.Option(help="name of the gate")],
    reject: bool = False,
    reason: str = "",
    key: Annotated[str, typer.Option(help="which of your keys signs")] = "default",
    project: At = Path("."),
    json_: Json = False,
) -> None:
    """A signed decision on an artifact at a gate."""
    if reject and not reason:
        raise UsageError("a rejection needs its reason", hint='--reject --reason "..."')
    result = opened(project).approve(reference, gate, reject, reason, key, terminal.warn)
    answer(json_, result, lambda data: print("\n".join(terminal.tree(data))))


@app.command(epilog="Example: modelwright key --make second")
def key(make: Annotated[str | None, typer.Option(help="make a key of this name")] = None, json_: Json = False) -> None:
    """The signing keys of this user; private halves are never shown."""
    answer(json_, {"keys": api.keys(make)}, lambda data: terminal.out().print(terminal.table(data["keys"])))


@app.command("ask", epilog='Example: modelwright ask "def main():"')
def ask_(
    text: str,
    model: Annotated[str, typer.Option(help="release, model, adapter or export")] = "release",
    max_tokens: int = 64,
    temperature: float = 0.0,
    project: At = Path("."),
    json_: Json = False,
) -> None:
    """One answer, with the name of the model that gave it."""
    result = opened(project).ask(text, model, max_tokens=max_tokens, temperature=temperature, warn=terminal.warn)
    answer(json_, result, lambda data: print(f"{data['text']}\n\n[{data['model']}, answer {data['id']}]"))


@app.command(epilog="Example: modelwright serve release --port 8080")
def serve(
    reference: Annotated[str, typer.Argument(help="release, model, adapter or export")] = "release",
    host: str | None = None,
    port: int | None = None,
    yes: Annotated[int | None, typer.Option(help="serve it although it carries so many takedowns")] = None,
    project: At = Path("."),
) -> None:
    """OpenAI-compatible server; on loopback unless told otherwise."""

    def announce(url: str) -> None:
        terminal.err().print(f"answering at {url}/v1")

    opened(project).serve(reference, host, port, announce, yes, terminal.warn)


@app.command(epilog="Example: modelwright prune --keep 2")
def prune(keep: int = 1, project: At = Path("."), json_: Json = False) -> None:
    """Free disk; never what is current, released, tagged or approved."""
    answer(json_, opened(project).prune(keep), lambda data: print(f"freed {terminal.size(data['bytes'])}"))


@app.command(epilog="Example: modelwright doctor --json")
def doctor(json_: Json = False) -> None:
    """What this machine has, what is missing, and the line that installs it."""
    answer(json_, api.doctor(), lambda data: print("\n".join(terminal.tree(data))))


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point. Leaves by `os._exit` after flushing: Daft may abort at interpreter exit once its work is done."""
    code = invoke(sys.argv[1:] if arguments is None else arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def invoke(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code of the contract."""
    as_json = "--json" in arguments
    try:
        result = app(args=list(arguments), standalone_mode=False)
        return result if isinstance(result, int) else 0
    except typer.Exit as stop:
        return stop.exit_code
    except ClickError as error:
        return _failed(UsageError(error.format_message(), hint="modelwright COMMAND --help"), as_json)
    except ModelwrightError as error:
        return _failed(error, as_json)
    except (KeyboardInterrupt, typer.Abort):
        return _failed(ModelwrightError("interrupted", hint="the same command resumes"), as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _failed(error: ModelwrightError, as_json: bool) -> int:
    if as_json:
        body = error.to_json()
        if error.steps:
            body |= {"steps": error.steps, "exit_code": error.exit_code}
        print(json.dumps(body, ensure_ascii=False, default=str))
    console = terminal.err()
    console.print(f"[red]error[/red]: {error.message}", markup=True)
    if error.hint:
        console.print(f"[dim]hint[/dim]: {error.hint}")
    return error.exit_code
