"""Edits of the documents that stay: which texts change, and what they become. Only texts with findings are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Context, each
from modelwright.core.fingerprint import digest
from modelwright.core.identity import identity
from modelwright.prepare.measure import findings_type
from modelwright.prepare.settings import Redact
from modelwright.prepare.texts import writing

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.prepare.documents import Documents

_DOCUMENTS_A_PART = 8192


def edit(redact: Redact | None, documents: Documents, findings: pa.Table, rows: pa.Table, context: Context) -> pa.Table:
    """Edit the texts of `rows` (the documents that stay) at their findings; the edited texts join `documents.texts`.

    Returns document, digest and bytes of the edited text, removed_bytes (bytes of input text in the edited spans),
    spans (how many), kinds (their kinds, joined by commas), for the documents whose text changed.
    """
    import pyarrow as pa

    todo = _todo(redact, findings, rows) if redact is not None else None
    if redact is None or todo is None or not todo.num_rows:
        return _schema().empty_table()
    tables = [_schema().empty_table()]
    parts = [todo.slice(start, _DOCUMENTS_A_PART) for start in range(0, todo.num_rows, _DOCUMENTS_A_PART)]
    for part in each(parts, context, "editing", len(parts), "parts"):
        tables.append(_edit_part(redact, documents, part, context))
    documents.texts.refresh()
    return pa.concat_tables(tables)


def _schema() -> pa.Schema:
    import pyarrow as pa

    sizes = [(name, pa.int64()) for name in ("bytes", "removed_bytes", "spans")]
    return pa.schema([("document", pa.string()), ("digest", pa.string()), *sizes, ("kinds", pa.string())])


def _todo(redact: Redact, findings: pa.Table, rows: pa.Table) -> pa.Table:
    """The rows that have findings to edit, with them as a list: document, digest, findings."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pc.and_(
        pc.equal(findings["signal"], "personal_data"),
        pc.is_in(findings["kind"], value_set=pa.array(list(redact.kinds), pa.string())),
    )
    place = pc.index_in(findings["document"], value_set=rows["document"].combine_chunks())
    chosen = findings.append_column("place", place).filter(pc.and_(wanted, pc.is_valid(place)))
    chosen = chosen.sort_by(
        [("place", "ascending"), ("start", "ascending"), ("end", "ascending"), ("kind", "ascending")]
    )
    places, counts = np.unique(chosen["place"].to_numpy(), return_counts=True)
    offsets = pa.array(np.concatenate(([0], np.cumsum(counts))).astype(np.int32))
    spans = [chosen[name].combine_chunks() for name in ("kind", "start", "end", "confidence")]
    kind = findings_type()
    lists = pa.ListArray.from_arrays(
        offsets, pa.StructArray.from_arrays(spans, fields=list(kind.value_type)), type=kind
    )
    return rows.select(["document", "digest"]).take(pa.array(places)).append_column("findings", lists)


def _edit_part(redact: Redact, documents: Documents, part: pa.Table, context: Context) -> pa.Table:
    import pyarrow as pa

    name = digest([identity(redact), hashlib.sha256("".join(part["document"].to_pylist()).encode()).hexdigest()])
    tables = [_schema().empty_table()]
    with writing(documents.texts.folder, f"edited-{name[:32]}") as writer:
        for batch in documents.batches(part, context):
            tables.append(pa.Table.from_pylist(list(_edited(redact, batch, writer)), schema=_schema()))
    return pa.concat_tables(tables)


def _edited(redact: Redact, batch: pa.RecordBatch, writer: Any) -> Iterator[dict[str, Any]]:
    """One row for each text that changed; the edited text goes to `writer`."""
    from modelwright.prepare.edit import redact as redact_texts

    texts, removed = redact_texts(batch.column("text"), batch.column("findings"), redact)
    rows = zip(texts, removed.to_pylist(), batch.select(["document", "digest", "findings"]).to_pylist(), strict=True)
    for edited, removed_bytes, row in rows:
        text = edited.as_buffer().to_pybytes()
        after = hashlib.sha256(text).hexdigest()
        if after != row["digest"]:
            writer.add(after, text)
            yield {
                "document": row["document"],
                "digest": after,
                "bytes": len(text),
                "removed_bytes": removed_bytes,
                "spans": len(row["findings"]),
                "kinds": ",".join(sorted({span["kind"] for span in row["findings"]})),
            }
