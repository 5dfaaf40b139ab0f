"""Reading a version of the pile: tables by snapshot id, texts in bounded memory, SQL, and why a document is (not) in.

A reader is opened from `pile.json` and sees its version alone, whatever was published since.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import IntegrityError, UnknownName
from modelwright.core.storage import digest_file
from modelwright.engines import iceberg, lookup
from modelwright.formats.document import document_id
from modelwright.formats.pile import TABLES, Chunk, PileRecord, content_root, shaped, text_digests, text_root

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
    home: Path

    @property
    def pile(self) -> str:
        """The version's name, as in the column `pile`."""
        return self.record.pile

    @cached_property
    def _documents(self) -> pa.Table:
        return self.table("documents")

    @cached_property
    def _decisions(self) -> pa.Table:
        return self.table("decisions")

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
        return self.table("signals")

    def findings(self) -> pa.Table:
        """Spans by UTF-8 byte of the input text, in order of (source, origin, start)."""
        return self.table("findings")

    def table(self, name: str, columns: Sequence[str] | None = None, chunks: Sequence[Chunk] | None = None) -> pa.Table:
        """One of TABLES in order of (source, origin): all columns or those asked for, all chunks or some of them.

        Raises IntegrityError when a file is gone or damaged.
        """
        version = self.record.tables[name]
        try:
            found = iceberg.read(self.handles[name], version, columns, chunks)
        except (OSError, pa_invalid()) as error:
            raise IntegrityError(
                f"the table {name} of {self.pile} is damaged or gone: {str(error).splitlines()[0]}",
                hint="restore `.modelwright` from a backup, or prepare again with `--rebuild prepare`",
                value=name,
            ) from error
        expected = version.rows if chunks is None else sum(chunk.rows for chunk in chunks)
        if found.num_rows != expected:
            raise IntegrityError(f"{name} of {self.pile} has {found.num_rows} rows, {expected} were written")
        whole = shaped(found, name, self.pile)
        return whole if columns is None else whole.select([name for name in whole.column_names if name in columns])

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

        Columns document, source, origin; no row when nothing matches. Reads the chunks that hold it, not the pile.
        """
        return self._about(doc).select(["document", "source", "origin"])

    def why(self, doc: str) -> list[dict[str, Any]]:
        """The decision on every document that `doc` may mean, in this version; empty when it saw none.

        Each is {document, source, origin, pile, decision, reasons: [{rule, signal, value, threshold}], duplicate_of}.
        """
        return [_explained(row) for row in self._about(doc).to_pylist()]

    def _about(self, doc: str) -> pa.Table:
        """The rows of `decisions` on what `doc` may mean."""
        import pyarrow as pa
        import pyarrow.compute as pc

        ids = _meant(doc, self.record.sources)
        kept = self._holding("documents", ids, ["document", "digest"])
        ids += kept.filter(pc.equal(kept["digest"], doc))["document"].to_pylist()
        rows = self._holding("decisions", ids, None)
        wanted = pa.array(ids, pa.string())
        hit = pc.or_(pc.is_in(rows["document"], value_set=wanted), pc.is_in(rows["digest"], value_set=wanted))
        return rows.filter(hit)

    def _holding(self, name: str, ids: list[str], columns: Sequence[str] | None) -> pa.Table:
        """The rows of the chunks in which one of `ids` may stand."""

        def read(chunks: Sequence[Chunk]) -> pa.Table:
            return self.table(name, lookup.COLUMNS, chunks)

        chunks = self.record.tables[name].chunks
        return self.table(name, columns, list(lookup.having(self.home, name, chunks, ids, read)) if ids else [])

    def problems(self) -> list[dict[str, Any]]:
        """What differs from the record: [{what, where, expected, found}]; reads every byte of the version.

        The bytes of the narrow tables, the two roots over their rows, each text against its digest, and the tags by
        which other engines find the version: readers go by the record, so a moved tag misleads nobody here.
        """
        try:
            return [*self._changed_files(), *self._changed_roots(), *self._changed_texts(), *self._moved_tags()]
        except (IntegrityError, OSError, ValueError) as error:
            return [*self._changed_files(), _problem("table", f"tables of {self.pile}", "readable", str(error))]

    def _moved_tags(self) -> Iterator[dict[str, Any]]:
        for name in TABLES:
            tag, expected = self.handles[name].refs().get(self.pile), self.record.tables[name].snapshot_id
            found = "no such tag" if tag is None else str(tag.snapshot_id)
            if found != expected:
                yield _problem("tag", f"tag {self.pile} of the table {name}", expected, found)

    def _changed_files(self) -> Iterator[dict[str, Any]]:
        for name in TABLES:
            for chunk in self.record.tables[name].chunks:
                path = iceberg.chunk_path(self.handles[name], chunk)
                found = digest_file(path) if path.is_file() else "the file is gone"
                if found != chunk.digest:
                    yield _problem("files", f"{name} of {self.pile}: {chunk.file}", chunk.digest, found)

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


def _meant(doc: str, sources: Sequence[str]) -> list[str]:
    """The ids that `doc` may stand for: itself when it is one, an origin of any source, `source:origin`."""
    meant = [doc] if re.fullmatch("[0-9a-f]{64}", doc) else []
    meant += [document_id(source, doc) for source in sources]
    return meant + [document_id(source, doc[len(source) + 1 :]) for source in sources if doc.startswith(f"{source}:")]


def pa_invalid() -> type[Exception]:
    """What pyarrow raises for a damaged file."""
    import pyarrow as pa

    invalid: type[Exception] = pa.ArrowInvalid
    return invalid


def _problem(what: str, where: str, expected: Any, found: Any) -> dict[str, Any]:
    return {"what": what, "where": where, "expected": expected, "found": found}


def open_pile(home: Path, artifact_path: Path) -> PileReader:
    """Open the version whose record lies in `artifact_path`; `home` is the project's `.modelwright`.

    Raises InputError when there is no record, IntegrityError when a table or snapshot is gone. A moved project is
    brought home first.
    """
    record = PileRecord.load(artifact_path)
    with iceberg.opened(home) as catalog:
        handles = {name: iceberg.load(catalog, version) for name, version in record.tables.items()}
    return PileReader(record, handles, home)


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
