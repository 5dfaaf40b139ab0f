"""Edits of the documents that stay: which texts change, and what they become. Only texts with findings are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Context, each
from modelwright.core.fingerprint import digest
from modelwright.prepare.rule import Editing, matching
from modelwright.prepare.texts import writing

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.prepare.documents import Documents

_DOCUMENTS_A_PART = 8192


def edit(
    editings: Sequence[Editing], documents: Documents, values: pa.Table, findings: pa.Table, staying: pa.Array,
    context: Context,
) -> pa.Table:  # fmt: skip
    """Edit the texts of the documents `staying` at their findings; the edited texts join `documents.texts`.

    values    what is known of every input document (a row each; `when` of an editing reads it)
    findings  document, signal, kind, start, end, of every signal that an editing names
    Returns document, digest and bytes of the edited text, removed_bytes (bytes of input text in the edited spans),
    spans (how many), rule (the first in order that edited it), edited_by (all that did), kinds (of all spans, joined by
    commas), for the documents whose text changed.
    """
    import pyarrow as pa

    todo = _todo(editings, values, findings, staying) if editings else None
    if todo is None or not todo.num_rows:
        return edits_schema().empty_table()
    tables = [edits_schema().empty_table()]
    parts = [todo.slice(start, _DOCUMENTS_A_PART) for start in range(0, todo.num_rows, _DOCUMENTS_A_PART)]
    for part in each(parts, context, "editing", len(parts), "parts"):
        tables.append(_edit_part(editings, documents, part, context))
    documents.texts.refresh()
    return pa.concat_tables(tables)


def edits_schema() -> pa.Schema:
    import pyarrow as pa

    sizes = [(name, pa.int64()) for name in ("bytes", "removed_bytes", "spans")]
    names = [(name, pa.string()) for name in ("rule", "edited_by", "kinds")]
    return pa.schema([("document", pa.string()), ("digest", pa.string()), *sizes, *names])


def chosen(editings: Sequence[Editing], values: pa.Table, findings: pa.Table, staying: pa.Array) -> pa.Table:
    """The findings that are edited: document, place (row of `values`), kind, start, end, style, order (of editing).

    A finding that several editings name belongs to the first of them.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    stays = pc.is_in(values["document"], value_set=staying).to_numpy()
    place = pc.index_in(findings["document"], value_set=values["document"].combine_chunks())
    rows = place.to_numpy()
    order = np.full(len(rows), -1, np.int64)
    for number, editing in reversed(list(enumerate(editings))):
        hit = pc.equal(findings["signal"], editing.signal)
        if editing.kinds:
            hit = pc.and_(hit, pc.is_in(findings["kind"], value_set=pa.array(list(editing.kinds), pa.string())))
        applies = stays & matching(values, editing.when)
        order[hit.to_numpy() & applies[rows]] = number
    styles = pa.array([editing.style for editing in editings], pa.string())
    found = findings.select(["document", "kind", "start", "end"]).append_column("place", place)
    found = found.append_column("order", pa.array(order)).filter(pa.array(order >= 0))
    found = found.append_column("style", styles.take(found["order"].combine_chunks()))
    return found.sort_by([(name, "ascending") for name in ("place", "start", "end", "order", "kind")])


def _todo(editings: Sequence[Editing], values: pa.Table, findings: pa.Table, staying: pa.Array) -> pa.Table:
    """The documents that have findings to edit, with them as a list: document, digest, findings."""
    import numpy as np
    import pyarrow as pa

    found = chosen(editings, values, findings, staying)
    places, counts = np.unique(found["place"].to_numpy(), return_counts=True)
    offsets = pa.array(np.concatenate(([0], np.cumsum(counts))).astype(np.int32))
    spans = {name: found[name].combine_chunks() for name in ("kind", "start", "end", "style", "order")}
    lists = pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(list(spans.values()), names=list(spans)))
    return values.select(["document", "digest"]).take(pa.array(places)).append_column("findings", lists)


def _edit_part(editings: Sequence[Editing], documents: Documents, part: pa.Table, context: Context) -> pa.Table:
    import pyarrow as pa

    meaning = [[editing.rule, editing.signal, list(editing.kinds), editing.style] for editing in editings]
    name = digest([meaning, hashlib.sha256("".join(part["document"].to_pylist()).encode()).hexdigest()])
    tables = [edits_schema().empty_table()]
    with writing(documents.texts.folder, f"edited-{name[:32]}") as writer:
        for batch in documents.batches(part, context):
            rows = list(_edited(editings, batch, writer))
            tables.append(pa.Table.from_pylist(rows, schema=edits_schema()))
    return pa.concat_tables(tables)


def _edited(editings: Sequence[Editing], batch: pa.RecordBatch, writer: Any) -> Iterator[dict[str, Any]]:
    """One row for each text that changed; the edited text goes to `writer`."""
    from modelwright.prepare.edit import apply_edits

    texts, removed = apply_edits(batch.column("text"), batch.column("findings"))
    rows = zip(texts, removed.to_pylist(), batch.select(["document", "digest", "findings"]).to_pylist(), strict=True)
    for edited, removed_bytes, row in rows:
        text = edited.as_buffer().to_pybytes()
        after = hashlib.sha256(text).hexdigest()
        if after != row["digest"]:
            writer.add(after, text)
            spans = row["findings"]
            names = list(dict.fromkeys(editings[number].rule for number in sorted({span["order"] for span in spans})))
            yield {
                "document": row["document"],
                "digest": after,
                "bytes": len(text),
                "removed_bytes": removed_bytes,
                "spans": len(spans),
                "rule": names[0],
                "edited_by": ", ".join(names),
                "kinds": ",".join(sorted({span["kind"] for span in spans})),
            }
