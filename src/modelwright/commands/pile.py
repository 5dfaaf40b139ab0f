"""`modelwright pile`: versions of the base data pile."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelwright import terminal
from modelwright.commands.common import At, Json, PileRef, answer, opened

app = typer.Typer(help="Versions of the base data pile.", no_args_is_help=True, rich_markup_mode=None)


@app.command("log", epilog="Example: modelwright pile log")
def pile_log(project: At = Path("."), json_: Json = False) -> None:
    """Versions: when, by whom, why, what changed in the recipe, counts, tags, branches."""
    answer(
        json_,
        {"versions": opened(project).pile_log()},
        lambda data: terminal.out().print(
            terminal.table(data["versions"], ["pile", "made_at", "reason", "documents", "bytes", "tags", "branches"])
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


@app.command("diff", epilog="Example: modelwright pile diff pile@1 pile@2")
def pile_diff(a: str, b: str, project: At = Path("."), json_: Json = False) -> None:
    """Documents and bytes in, out and changed, by reason."""
    answer(json_, opened(project).pile_diff(a, b), lambda data: print("\n".join(terminal.tree(data))))


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
