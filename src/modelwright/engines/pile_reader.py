"""Reading a version of the pile: tables by snapshot id, texts in bounded memory, SQL, and why a document is (not) in.

A reader is opened from `pile.json` and sees its version alone, whatever was published since.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import IntegrityError, UnknownName
from modelwright.engines import iceberg
from modelwright.formats.pile import TABLES, PileRecord, conform, content_root, text_digests, text_root

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_BYTES = 16 * 2**20
WINDOW_BYTES = 64 * 2**20
"""UTF-8 bytes of text that are held at once while texts are brought into order."""


@dataclass(frozen=True)
class PileReader:
    """One version of the pile. Tables are read when first asked for, and kept: they are narrow."""

    record: PileRecord
    handles: dict[str, Any]

    @property
    def pile(self) -> str:
        """The version's name, as in the column `pile`."""
        return self.record.pile

    @cached_property
    def _documents(self) -> pa.Table:
        return self._read("documents")

    @cached_property
    def _decisions(self) -> pa.Table:
        return self._read("decisions")

    def documents(self, split: str | None = None, source: str | None = None) -> pa.Table:
        """The documents without their texts, in order of (source, origin); `split` is `train` or `held_out`."""
        import pyarrow.compute as pc

        table = self._documents
        if split is not None:
            table = table.filter(pc.equal(table["split"], split))
        if source is not None:
            known = pc.unique(self._decisions["source"]).to_pylist()
            if source not in known:
                raise UnknownName("source", source, known, where=self.pile)
            table = table.filter(pc.equal(table["source"], source))
        return table

    def decisions(self) -> pa.Table:
        """One row per input document, dropped ones included, in order of (source, origin)."""
        return self._decisions

    def signals(self) -> pa.Table:
        """One row per input document, one column per signal; columns that this version did not measure are null."""
        return self._read("signals")

    def findings(self) -> pa.Table:
        """Spans by UTF-8 byte of the input text, in order of (source, origin, start)."""
        return self._read("findings")

    def _read(self, name: str) -> pa.Table:
        version = self.record.tables[name]
        partition = self.pile if name in iceberg.PARTITIONED else None
        table = conform(self._rows(name, version.snapshot_id, partition), name)
        if table.num_rows != version.rows:
            raise IntegrityError(f"{name} of {self.pile} has {table.num_rows} rows, {version.rows} were written")
        return table

    def _rows(self, name: str, snapshot_id: str, partition: str | None) -> pa.Table:
        import pyarrow as pa

        try:
            return iceberg.read(self.handles[name], snapshot_id, partition)
        except (OSError, pa.ArrowInvalid) as error:
            raise IntegrityError(
                f"the table {name} of {self.pile} is damaged or gone: {str(error).splitlines()[0]}",
                hint="restore `.modelwright` from a backup, or prepare again with `--rebuild prepare`",
                value=name,
            ) from error

    def texts(self, documents: pa.Table, batch_bytes: int = BATCH_BYTES) -> Iterator[pa.RecordBatch]:
        """The rows of `documents` (with `digest`; any further columns) and their `text`, in the table's order.

        Batches hold up to `batch_bytes` of text, or one longer text. Memory is bounded by WINDOW_BYTES and a row group,
        not by the pile. Raises IntegrityError when a text is gone.
        """
        from modelwright.engines.texts import in_order

        files = iceberg.text_files(self.handles["texts"], self.record.tables["texts"].snapshot_id)
        return in_order(files, documents, batch_bytes, WINDOW_BYTES)

    def sql(self, query: str) -> pa.Table:
        """One SELECT over documents (with `text`), decisions, signals, findings, in Daft's SQL.

        Raises UsageError for anything else: other tables, functions that read files or the network, two statements.
        """
        from modelwright.engines.pile_sql import run

        return run(self, query)

    def find(self, doc: str) -> pa.Table:
        """Every input document that `doc` may mean: document, digest (of input or kept text), origin, source:origin.

        Columns document, source, origin; no row when nothing matches.
        """
        import pyarrow.compute as pc

        table = self._decisions
        changed = self._documents.filter(pc.equal(self._documents["digest"], doc))["document"].combine_chunks()
        hit = pc.equal(table["document"], doc)
        for other in (
            pc.equal(table["origin"], doc),
            pc.fill_null(pc.equal(table["digest"], doc), False),
            pc.is_in(table["document"], value_set=changed),
            pc.equal(pc.binary_join_element_wise(table["source"], table["origin"], ":"), doc),
        ):
            hit = pc.or_(hit, other)
        return table.filter(hit).select(["document", "source", "origin"])

    def why(self, doc: str) -> list[dict[str, Any]]:
        """The decision on every document that `doc` may mean, in this version; empty when it saw none.

        Each is {document, source, origin, pile, decision, reasons: [{rule, signal, value, threshold}], duplicate_of}.
        """
        import pyarrow.compute as pc

        wanted = self.find(doc)["document"].combine_chunks()
        rows = self._decisions.filter(pc.is_in(self._decisions["document"], value_set=wanted))
        return [_explained(row) for row in rows.to_pylist()]

    def problems(self) -> list[dict[str, Any]]:
        """What differs from the record: [{what, where, expected, found}]; reads every byte of the version.

        The bytes of the narrow tables, the two roots over their rows, and each text against its digest.
        """
        try:
            return [*self._changed_files(), *self._changed_roots(), *self._changed_texts()]
        except IntegrityError as error:
            return [*self._changed_files(), _problem("table", f"tables of {self.pile}", "readable", error.message)]

    def _changed_files(self) -> Iterator[dict[str, Any]]:
        for name in TABLES:
            version = self.record.tables[name]
            partition = self.pile if name in iceberg.PARTITIONED else None
            try:
                found = iceberg.files_digest(self.handles[name], version.snapshot_id, partition)
            except FileNotFoundError as error:
                found = f"{error.filename} is gone"
            if found != version.files_digest:
                yield _problem("files", f"{name} of {self.pile}", version.files_digest, found)

    def _changed_roots(self) -> Iterator[dict[str, Any]]:
        found = {"root": content_root(self._documents), "text_root": text_root(self._documents)}
        for what, expected in (("root", self.record.root), ("text_root", self.record.text_root)):
            if found[what] != expected:
                yield _problem(what, f"documents of {self.pile}", expected, found[what])

    def _changed_texts(self) -> Iterator[dict[str, Any]]:
        for batch in self.texts(self._documents.select(["document", "digest", "bytes"])):
            found = zip(
                batch["document"].to_pylist(), batch["digest"].to_pylist(), text_digests(batch["text"]), strict=True
            )
            for document, expected, digest in found:
                if expected != digest:
                    yield _problem("digest", f"text of {document}", expected, digest)


def _problem(what: str, where: str, expected: Any, found: Any) -> dict[str, Any]:
    return {"what": what, "where": where, "expected": expected, "found": found}


def open_pile(home: Path, artifact_path: Path) -> PileReader:
    """Open the version whose record lies in `artifact_path`; `home` is the project's `.modelwright`.

    Raises InputError when there is no record, IntegrityError when a table or snapshot is gone. A moved project is
    brought home first.
    """
    record = PileRecord.load(artifact_path)
    with iceberg.opened(home) as catalog:
        return PileReader(record, {name: iceberg.load(catalog, version) for name, version in record.tables.items()})


def _explained(row: dict[str, Any]) -> dict[str, Any]:
    names = ("document", "source", "origin", "pile", "decision")
    value = row["value"] if row["value"] is not None else row["value_text"]
    reason = {"rule": row["rule"], "signal": row["signal"], "value": value, "threshold": _number(row["threshold"])}
    reasons = [reason] if row["rule"] is not None else []
    return {**{name: row[name] for name in names}, "reasons": reasons, "duplicate_of": row["duplicate_of"]}


def _number(text: str | None) -> float | str | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text
