"""`modelwright takedown`: what is affected, then the erasure with its certificate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from modelwright import terminal
from modelwright.commands.common import At, Json, answer, opened
from modelwright.core.errors import UsageError

_SHOWN = 20
_SERVED = "what carries it is released and served only as `deploy.taken_down` says: `refuse`, unless you wrote `warn`"


def takedown(
    document: Annotated[str | None, typer.Argument(metavar="DOC", help="source:origin, origin, id or digest")] = None,
    source: Annotated[str | None, typer.Option(help="all documents of this source")] = None,
    owner: Annotated[str | None, typer.Option(help="all documents of this owner, and copies of them")] = None,
    licence: Annotated[str | None, typer.Option(help="all documents under this licence or class of licences")] = None,
    match: Annotated[str | None, typer.Option(help="all documents that have this text, or nearly")] = None,
    execute: Annotated[bool, typer.Option("--execute", help="erase; without it nothing is written")] = False,
    yes: Annotated[int | None, typer.Option(help="the number of documents, when it is more than half")] = None,
    reason: Annotated[str, typer.Option(help="kept in the ledger, the certificate and cards, as you write it")] = "",
    project: At = Path("."),
    json_: Json = False,
) -> None:
    """What holds a document and what learned from it; with --execute new versions without it, and a certificate."""
    given = {"document": document, "source": source, "owner": owner, "licence": licence, "match": match}
    asked = {kind: value for kind, value in given.items() if value is not None}
    if len(asked) != 1:
        raise UsageError(
            "say what to take down, one thing at a time", hint="DOC, --source, --owner, --licence or --match"
        )
    ((kind, value),) = asked.items()
    result = opened(project).takedown(
        kind, value, execute=execute, yes=yes, reason=reason,
        report=lambda event: terminal.err().print(f"takedown {event['takedown']}: {event['what']}"),
    )  # fmt: skip
    answer(json_, result, show)


def show(data: dict[str, Any]) -> None:
    """For people: the documents, what holds them, what learned from them, and what comes next."""
    if data["executed"]:
        print(f"takedown {data['takedown']}: done, certificate in {data['certificate']}")
        for version in data["versions"]:
            print(f"{version['old']} -> {version['new']}")
        if data.get("carriers"):
            print(f"still carried by {', '.join(data['carriers'])}: `modelwright show {data['carriers'][0]}`")
            print(_SERVED)
        return
    for row in data["matched"][:_SHOWN]:
        print(f"{row['source']}:{row['origin']}  ({row['how']}; {', '.join(row['piles'])})")
    if data["documents"] > _SHOWN:
        print(f"... {data['documents']} documents in all")
    for kind in ("piles", "tokens", "pairs", "models", "adapters", "releases", "exports"):
        if data[kind]:
            print(f"{kind}: {', '.join(data[kind])}")
    for model in data["learned"]:
        if model["windows"] is not None and model["learned"]:
            print(f"{model['ref']} learned from it: in {model['windows']:,} of {model['of']:,} windows of training")
    for copy in data["copies"]:
        print(f"{copy['ref']} was written to {copy['place']}{'' if copy['inside'] else ' (outside: yours to remove)'}")
    if data["learned"]:
        print(f"after that, {_SERVED}")
    print("nothing was written; `--execute` erases it")
