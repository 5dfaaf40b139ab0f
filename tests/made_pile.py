"""Small piles made by hand: documents with a decision each, published through the real tables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from modelwright.core.context import Context, Machine
from modelwright.core.fingerprint import digest_bytes
from modelwright.engines.pile_reader import PileReader, open_pile
from modelwright.formats.document import document_id
from modelwright.formats.pile import PileRecord, schema
from modelwright.prepare.publish import publish

MACHINE = Machine(cores=1, memory_bytes=8 << 30, disk_free_bytes=8 << 30)


@dataclass(frozen=True)
class Made:
    """One input document with what was decided on it."""

    source: str
    origin: str
    text: str
    decision: str = "kept"
    rule: str | None = None
    split: str = "train"
    licence: str | None = "MIT"
    duplicate_of: str | None = None

    @property
    def document(self) -> str:
        return document_id(self.source, self.origin)

    @property
    def digest(self) -> str:
        return digest_bytes(self.text.encode())


BOOKS = (
    Made("books", "a/one.txt", "It was a dark and stormy night; the rain fell in torrents. " * 20),
    Made("books", "a/two.txt", "Call me Ishmael. Some years ago, never mind how long precisely. " * 20),
    Made("books", "b/three.txt", "All happy families are alike; each unhappy one is so in its own way. " * 20),
    Made("books", "b/held.txt", "Only the held-out document says xylophone, again: xylophone. " * 20, split="held_out"),
    Made(
        "code", "main.py", "def main() -> None:\n    print('<|endoftext|>')\n" * 20, decision="changed", rule="redact"
    ),
    Made("code", "short.py", "x", decision="dropped", rule="gopher"),
    Made("code", "broken.py", "", decision="quarantined", rule="not_utf8"),
)


def tables(made: Sequence[Made]) -> tuple[pa.Table, pa.Table, pa.Table, pa.Table]:
    """documents, decisions, signals, findings, in the order of `made`."""
    ids = [{"document": one.document, "source": one.source, "origin": one.origin} for one in made]
    documents = [
        {**key, "digest": one.digest, "split": one.split, "modality": "text", "access": "open", "licence": one.licence,
         "language": "en", "kind": "prose", "bytes": len(one.text.encode())}
        for key, one in zip(ids, made, strict=True) if one.decision in ("kept", "changed")
    ]  # fmt: skip
    decisions = [
        {**key, "decision": one.decision, "rule": one.rule, "signal": "words" if one.rule else None,
         "value": 1.0 if one.rule else None, "threshold": "50" if one.rule else None,
         "duplicate_of": one.duplicate_of, "digest": one.digest}
        for key, one in zip(ids, made, strict=True)
    ]  # fmt: skip
    signals = [{**key, "language": "en", "words": len(one.text.split())} for key, one in zip(ids, made, strict=True)]
    findings = [
        {**key, "signal": "personal_data", "kind": "email", "start": 0, "end": 5, "confidence": 1.0}
        for key in sorted(ids, key=str)[:1]
    ]
    return (
        pa.Table.from_pylist(documents, schema("documents")),
        pa.Table.from_pylist(decisions, schema("decisions")),
        pa.Table.from_pylist(signals),
        pa.Table.from_pylist(findings, schema("findings")),
    )


def texts(made: Sequence[Made], rows: int = 2) -> Iterator[pa.RecordBatch]:
    """Batches (digest, text) in order of (source, origin)."""
    ordered = sorted(made, key=lambda one: (one.source, one.origin))
    for start in range(0, len(ordered), rows):
        part = ordered[start : start + rows]
        columns = [pa.array([one.digest for one in part]), pa.array([one.text for one in part], pa.large_string())]
        yield pa.RecordBatch.from_arrays(columns, names=["digest", "text"])


def context(home: Path, version: int = 1, kind: str = "pile") -> Context:
    out, work = home / kind / str(version), home / "work" / kind
    out.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    return Context(out=out, work=work, home=home, project=home.parent, version=version, machine=MACHINE)


def published(home: Path, made: Sequence[Made] = BOOKS, version: int = 1) -> PileRecord:
    return publish(context(home, version), *tables(made), lambda missing: texts(made))


def reader(home: Path, version: int = 1) -> PileReader:
    return open_pile(home, home / "pile" / str(version))


def edited(made: Sequence[Made], origin: str, **changes: str) -> list[Made]:
    """`made` with the document at `origin` changed."""
    return [replace(one, **changes) if one.origin == origin else one for one in made]  # type: ignore[arg-type]


def tree(folder: Path) -> dict[str, str]:
    """Relative path -> digest of every file, to prove that nothing was touched."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip
