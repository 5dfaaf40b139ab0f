"""`modelwright pile`: versions of the base data pile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from modelwright import terminal
from modelwright.commands.common import At, Json, PileRef, answer, opened
from modelwright.core.errors import UnknownName

DIFF_FORMS = ("table", "html")
DIFF_ROWS = 10
app = typer.Typer(help="Versions of the base data pile.", no_args_is_help=True, rich_markup_mode=None)


@app.command("log", epilog="Example: modelwright pile log")
def pile_log(project: At = Path("."), json_: Json = False) -> None:
    """Versions: when, by whom, why, what changed in the recipe, counts, tags, branches."""
    answer(
        json_,
        {"versions": opened(project).pile_log()},
        lambda data: terminal.out().print(
            terminal.table(
                data["versions"], ["pile", "made_at", "reason", "documents", "bytes", "tags", "branches", "erased"]
            )
        ),
    )


@app.command("tag", epilog="Example: modelwright pile tag baseline --at pile@1")
def pile_tag(name: str, at: PileRef = "pile", project: At = Path("."), json_: Json = False) -> None:
    """Name a version; moving a tag is an event."""
    answer(json_, opened(project).tag(name, at), lambda data: print(f"{data['tag']} -> {data['ref']}"))


@app.command("branch", epilog="Example: modelwright pile branch")
def pile_branch(project: At = Path("."), json_: Json = False) -> None:
    """Experiments beside the project file; `modelwright run --branch NAME --set ...` makes one."""
    answer(
        json_,
        {"branches": opened(project).branches()},
        lambda data: terminal.out().print(terminal.table(data["branches"], ["branch", "ref", "overrides"])),
    )


@app.command("restore", epilog="Example: modelwright pile restore pile@1")
def pile_restore(reference: str, project: At = Path("."), json_: Json = False) -> None:
    """Write the recipe of a version into the project file; the file as it was is kept beside it."""
    answer(
        json_,
        opened(project).pile_restore(reference),
        lambda data: print(f"{data['project']} makes {data['restored']} again; as it was: {data['before']}"),
    )


@app.command("stats", epilog="Example: modelwright pile stats")
def pile_stats(project: At = Path("."), json_: Json = False) -> None:
    """Bytes on disk: of each version alone and shared, of texts and caches."""
    answer(json_, opened(project).pile_stats(), lambda data: print("\n".join(terminal.tree(data))))


@app.command("diff", epilog="Example: modelwright pile diff pile@1 pile@2 --as html")
def pile_diff(
    a: str,
    b: str,
    as_: Annotated[str, typer.Option("--as", help="table or html")] = "table",
    out: Annotated[Path | None, typer.Option(help="where the page goes; left out: reports/")] = None,
    project: At = Path("."),
    json_: Json = False,
) -> None:
    """Documents, bytes and tokens in, out and changed, by reason, source, language and licence."""
    if as_ not in DIFF_FORMS:
        raise UnknownName("format", as_, DIFF_FORMS, where="pile diff --as")
    if as_ == "html" or out is not None:
        answer(json_, opened(project).pile_diff_page(a, b, out), lambda data: print(data["file"]))
    else:
        answer(json_, opened(project).pile_diff(a, b), _show_diff)


def _show_diff(data: Mapping[str, Any]) -> None:
    console = terminal.out()
    ways = [{"from " + data["from"]: way, **data[way]} for way in ("in", "out", "changed")]
    console.print(terminal.table([_sized(row) for row in ways]))
    for name in ("reason", "source", "language", "code_language", "licence", "kind"):
        rows = data[f"by_{name}"]
        if any(row[name] != "unknown" for row in rows):
            print()
            more = f", the largest {DIFF_ROWS} of {len(rows)}" if len(rows) > DIFF_ROWS else ""
            console.print(terminal.table([_sized(row) for row in rows[:DIFF_ROWS]], title=f"by {name}{more}"))
    if data["samples"]:
        print()
        rows = [{key: row[key] for key in ("change", "source", "origin", "reason")} for row in data["samples"]]
        console.print(terminal.table(rows, title="such as"))


def _sized(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "bytes": terminal.size(row["bytes"])}


@app.command("report", epilog="Example: modelwright pile report --at pile@2 --out report.html")
def pile_report(
    at: PileRef = "pile",
    out: Annotated[Path | None, typer.Option(help="where the page goes; left out: reports/")] = None,
    project: At = Path("."),
    json_: Json = False,
) -> None:
    """One page about a version: where documents went and why, what is in the pile, samples. Needs no network."""
    answer(json_, opened(project).pile_report(at, out), lambda data: print(data["file"]))


@app.command("sample", epilog="Example: modelwright pile sample --count 3")
def pile_sample(
    count: int = 5,
    by: Annotated[str | None, typer.Option(help="so many of each value of this column: language, source ...")] = None,
    at: PileRef = "pile",
    project: At = Path("."),
    json_: Json = False,
) -> None:
    """A repeatable sample of documents, stratified when asked."""
    answer(
        json_,
        {"documents": opened(project).pile_sample(at, count, by)},
        lambda data: print("\n\n".join("\n".join(terminal.tree(row)) for row in data["documents"])),
    )


@app.command("export", epilog="Example: modelwright pile export out --as jsonl")
def pile_export(
    folder: Path,
    as_: Annotated[str, typer.Option("--as", help="parquet, jsonl, text or huggingface")] = "parquet",
    at: PileRef = "pile",
    project: At = Path("."),
    json_: Json = False,
) -> None:
    """Write the kept documents with their texts."""
    answer(json_, opened(project).pile_export(folder, as_, at), lambda data: print("\n".join(terminal.tree(data))))


@app.command("sql", epilog='Example: modelwright pile sql "select source, count(*) n from documents group by source"')
def pile_sql(
    query: str,
    at: PileRef = "pile",
    to: Annotated[Path | None, typer.Option(help="write the rows to this .csv or .parquet file")] = None,
    project: At = Path("."),
    json_: Json = False,
) -> None:
    """One SELECT over documents, decisions, signals and findings."""
    if to is not None:
        written = opened(project).sql_to(query, to, at)
        answer(json_, written, lambda data: print(f"{data['rows']} rows in {data['file']}"))
        return
    result = opened(project).sql(query, at)
    rows = [list(row.values()) for row in result.to_pylist()]
    answer(
        json_,
        {"columns": result.column_names, "rows": rows},
        lambda data: terminal.out().print(terminal.table(result.to_pylist(), result.column_names)),
    )


@app.command(
    "count", epilog="Example: modelwright pile count \"kind = 'code' and licence_class = 'permissive'\" --by language"
)
def pile_count(
    where: Annotated[str, typer.Argument(help="a condition over the columns of documents, in SQL")] = "true",
    by: Annotated[str | None, typer.Option(help="one row for each value of this column")] = None,
    at: PileRef = "pile",
    project: At = Path("."),
    json_: Json = False,
) -> None:
    """Documents, bytes and tokens that meet a condition: how much German Java under a permissive licence is there?"""
    answer(
        json_,
        {"rows": opened(project).pile_count(where, by, at)},
        lambda data: terminal.out().print(terminal.table(data["rows"])),
    )


@app.command("fit", epilog="Example: modelwright pile fit")
def pile_fit(at: PileRef = "pile", project: At = Path("."), json_: Json = False) -> None:
    """How well the pile fits the project's `use`: languages and domains that it names, against what is there."""
    answer(json_, opened(project).pile_fit(at), terminal.show_fit)
