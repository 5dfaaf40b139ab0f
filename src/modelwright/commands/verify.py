"""`modelwright verify`: the ledger and every file, a bundle, or a proof about one text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from modelwright import api, terminal
from modelwright.commands.common import At, Json, answer, opened
from modelwright.core.errors import InputError, UsageError


def verify(
    reference: Annotated[
        str | None, typer.Argument(help="an artifact, or the path of an exported bundle or of a proof")
    ] = None,
    project: At = Path("."),
    export: Annotated[Path | None, typer.Option(help="write a bundle that verifies on its own, here")] = None,
    keys: Annotated[Path | None, typer.Option(help="for a bundle: trust only these public keys")] = None,
    document: Annotated[
        Path | None, typer.Option(help="a file of text: prove that it is in a version of the pile, or that it is not")
    ] = None,
    pile: Annotated[str, typer.Option(help="which version, for --document")] = "pile",
    out: Annotated[Path | None, typer.Option(help="write the proof here, for --document")] = None,
    root: Annotated[str | None, typer.Option(help="for a proof: the root that you got from elsewhere")] = None,
    json_: Json = False,
) -> None:
    """Check the chain, signatures, and every file and card in the ancestry; exit code 1 when something is wrong."""
    if document is not None:
        if reference is not None:
            raise UsageError("name a version with --pile", hint="verify --document FILE --pile pile@3", value=reference)
        answer(json_, opened(project).prove(document, pile, out), show_proof)
        return
    if export is not None:
        answer(json_, opened(project).bundle(export, reference), lambda data: print(f"wrote {export}"))
        return
    proof = _proof(reference)
    bundle = reference is not None and Path(reference).exists() and "@" not in reference
    if proof is not None:
        result = api.verify_proof(proof, root)
    elif bundle:
        result = api.verify_bundle(str(reference), keys)
    else:
        result = opened(project).verify(reference)
    answer(json_, result, terminal.show_verify)
    if not result["ok"]:
        raise typer.Exit(1)


def _proof(reference: str | None) -> Any:
    """What a file of proofs holds; None for anything else."""
    path = Path(reference) if reference is not None else None
    if path is None or path.suffix != ".json" or not path.is_file():
        return None
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise InputError(f"{path} is no JSON: {error}", hint="`verify --document FILE --out proof.json`") from error


def show_proof(data: dict[str, Any]) -> None:
    """For people: in or not, what was decided, and what stands in the proof."""
    print(f"{data['document']} ({data['digest'][:12]}): {data['result']} of {data['pile']}, root {data['root']}")
    for row in data["decisions"]:
        print(f"  {row['document'][:12]}: {row['decision']}" + (f" by {row['rule']}" if row["rule"] else ""))
    for proof in data["proofs"]:
        print(f"  proof of {proof['kind']} of {proof['key'][:12]} among {proof['size']:,} texts")
    if data.get("out"):
        print(f"wrote {data['out']}; anyone checks it: modelwright verify {data['out']} --root {data['root']}")
