"""Is this text in a version of the pile? A proof either way, which anyone checks with the version's root alone."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Artifact
from modelwright.core.errors import InputError, IntegrityError
from modelwright.core.storage import write_json
from modelwright.formats.pile import text_leaves
from modelwright.formats.proofs import Tree, problems
from modelwright.prepare.encoding import to_utf8

if TYPE_CHECKING:
    from modelwright.engines.pile_reader import PileReader


def prove(reader: PileReader, artifact: Artifact, file: Path) -> dict[str, Any]:
    """{document, pile, root, digest, result, decisions, proofs}; a file is read as a source reads it, into UTF-8.

    result   `in`: the text is in the version as it stands. `in, changed`: it was read, and the version holds it edited;
             the proofs are that the text itself is absent and that what was kept is in. `absent`
    Raises InputError for a file that cannot be read or holds no text, IntegrityError when the tables do not give the
    version's root.
    """
    digest = hashlib.sha256(_text(file)).hexdigest()
    documents = reader.documents()
    tree = Tree("text", text_leaves(documents))
    if tree.root != reader.record.text_root:
        raise IntegrityError(
            f"the documents of {artifact.ref} do not give its root", hint=f"`modelwright verify {artifact.ref}`"
        )
    decisions = _decisions(reader, digest)
    kept = sorted({row["kept"] for row in decisions if row["kept"] not in (None, digest)})
    proofs = [tree.prove(one) for one in (digest, *kept)]
    inside = proofs[0]["kind"] == "inclusion"
    return {
        "document": str(file),
        "pile": artifact.ref,
        "root": tree.root,
        "digest": digest,
        "result": "in" if inside else "in, changed" if kept else "absent",
        "decisions": decisions,
        "proofs": proofs,
    }


def write(found: dict[str, Any], out: Path) -> dict[str, Any]:
    """Write what `prove` gave for someone else to check. Raises StorageError."""
    public = {name: found[name] for name in ("pile", "root", "digest", "result", "proofs")}
    write_json(out, public)
    return {**found, "out": str(out)}


def _text(file: Path) -> bytes:
    try:
        converted = to_utf8(file.read_bytes())
    except OSError as error:
        raise InputError(
            f"{file} cannot be read: {error.strerror}", hint="name a file of text", value=str(file)
        ) from error
    if converted is None:
        raise InputError(f"{file} holds no text", hint="name a file of text", value=str(file))
    return converted[0]


def _decisions(reader: PileReader, digest: str) -> list[dict[str, Any]]:
    """What was decided on the documents with this input text, and the digest under which each is kept."""
    import pyarrow.compute as pc

    rows = reader.find(digest)
    table = reader.decisions()
    rows = table.filter(pc.is_in(table["document"], value_set=rows["document"].combine_chunks()))
    documents = reader.documents()
    place = pc.index_in(rows["document"], value_set=documents["document"].combine_chunks())
    rows = rows.select(["document", "decision", "rule", "signal"])
    found: list[dict[str, Any]] = rows.append_column("kept", documents["digest"].take(place)).to_pylist()
    return found


def check(proof: Any, root: str | None = None) -> dict[str, Any]:
    """The contract's `verify` object for proofs read from a file: one proof, or what `prove` gave.

    root  the root that the reader got from elsewhere (a card, a certificate); without it a proof speaks for itself
    """
    proofs = proof.get("proofs", [proof]) if isinstance(proof, dict) else []
    wrong = [(place, line) for place, one in enumerate(proofs) for line in problems(one, root)]
    if not proofs:
        wrong = [(0, "this is no proof of modelwright")]
    return {
        "ok": not wrong,
        "checked": {"events": 0, "signatures": 0, "digests": len(proofs)},
        "problems": [
            {"what": "proof", "where": f"proof {place + 1}", "expected": "a path to the root", "found": line}
            for place, line in wrong
        ],
        "proved": [
            {"kind": one.get("kind"), "of": one.get("of"), "key": one.get("key")} for one in proofs if not wrong
        ],
    }
