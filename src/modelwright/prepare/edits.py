"""Edits of the documents that stay: which texts change, and what they become. Only texts with findings are read."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core import plugins
from modelwright.core.context import Context, each
from modelwright.core.fingerprint import digest
from modelwright.prepare.rule import Editing, matching
from modelwright.prepare.signal import Signal
from modelwright.prepare.style import Replace, Style
from modelwright.prepare.texts import writing

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.prepare.documents import Documents

_DOCUMENTS_A_PART = 8192
REMEASURED = "personal_data"
"""The signal that is measured again on what was edited."""


def edit(
    editings: Sequence[Editing], documents: Documents, values: pa.Table, findings: pa.Table, staying: pa.Array,
    context: Context, signals: Mapping[str, Signal] | None = None,
) -> pa.Table:  # fmt: skip
    """Edit the texts of the documents `staying` at their findings; the edited texts join `documents.texts`.

    values    what is known of every input document (a row each; `when` of an editing reads it)
    findings  document, signal, kind, start, end, of every signal that an editing names
    signals   those that were measured: personal data is sought again in texts that were edited for it
    Returns document, digest and bytes of the edited text, removed_bytes (bytes of input text in the edited spans),
    spans (how many), rule (the first in order that edited it), edited_by (all that did), kinds (of all spans, joined by
    commas), residue (what of the edited kinds is still found, `email=2,phone=1`; null when nothing), for the documents
    whose text changed.
    """
    import pyarrow as pa

    again = (signals or {}).get(REMEASURED)
    replace = {_label(editing): _replace(editing, context.project) for editing in editings}
    todo = _todo(editings, values, findings, staying) if editings else None
    if todo is None or not todo.num_rows:
        return edits_schema().empty_table()
    tables = [edits_schema().empty_table()]
    parts = [todo.slice(start, _DOCUMENTS_A_PART) for start in range(0, todo.num_rows, _DOCUMENTS_A_PART)]
    for part in each(parts, context, "editing", len(parts), "parts"):
        tables.append(_edit_part(editings, documents, part, context, replace, again))
    documents.texts.refresh()
    return pa.concat_tables(tables)


def edits_schema() -> pa.Schema:
    import pyarrow as pa

    sizes = [(name, pa.int64()) for name in ("bytes", "removed_bytes", "spans")]
    names = [(name, pa.string()) for name in ("rule", "edited_by", "kinds", "residue")]
    return pa.schema([("document", pa.string()), ("digest", pa.string()), *sizes, *names])


def _label(editing: Editing) -> str:
    """The style of an editing as text: a name, or a name with options (a secret shows as its variable)."""
    if isinstance(editing.style, str):
        return editing.style
    label = plugins.dump(editing.style)
    return label if isinstance(label, str) else repr(label)


def _replace(editing: Editing, project: Path) -> Replace:
    """What an editing's style does to a span. Raises UnknownName, and what reading a key may raise."""
    style: Any = plugins.parse("styles", editing.style) if isinstance(editing.style, str) else editing.style
    assert isinstance(style, Style)
    return style.ready(project)


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
    styles = pa.array([_label(editing) for editing in editings], pa.string())
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
    columns = [name for name in ("document", "digest", "language", "kind") if name in values.column_names]
    return values.select(columns).take(pa.array(places)).append_column("findings", lists)


def _edit_part(
    editings: Sequence[Editing], documents: Documents, part: pa.Table, context: Context, replace: Mapping[str, Replace],
    again: Signal | None,
) -> pa.Table:  # fmt: skip
    import pyarrow as pa

    meaning = [[editing.rule, editing.signal, list(editing.kinds), _label(editing)] for editing in editings]
    name = digest([meaning, hashlib.sha256("".join(part["document"].to_pylist()).encode()).hexdigest()])
    tables = [edits_schema().empty_table()]
    with writing(documents.texts.folder, f"edited-{name[:32]}") as writer:
        for batch in documents.batches(part, context):
            rows = list(_edited(editings, batch, writer, replace, again))
            tables.append(pa.Table.from_pylist(rows, schema=edits_schema()))
    return pa.concat_tables(tables)


def _edited(
    editings: Sequence[Editing],
    batch: pa.RecordBatch,
    writer: Any,
    replace: Mapping[str, Replace],
    again: Signal | None,
) -> Iterator[dict[str, Any]]:
    """One row for each text that changed; the edited text goes to `writer`."""
    from modelwright.prepare.edit import apply_edits

    ids = batch.column("document").to_pylist()
    texts, removed = apply_edits(batch.column("text"), batch.column("findings"), ids, replace)
    left = residue(editings, batch, texts, again)
    listed = batch.select(["document", "digest", "findings"]).to_pylist()
    rows = zip(texts, removed.to_pylist(), left, listed, strict=True)
    for edited, removed_bytes, remains, row in rows:
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
                "residue": ",".join(f"{kind}={count}" for kind, count in sorted(remains.items())) or None,
            }


def residue(
    editings: Sequence[Editing], batch: pa.RecordBatch, texts: pa.Array, again: Signal | None
) -> list[Counter[str]]:
    """What the signal `again` still finds in edited texts, by kind, of the kinds that the editings name; a row each."""
    import pyarrow as pa

    kinds = {kind for editing in editings if editing.signal == REMEASURED for kind in editing.kinds}
    if again is None or not kinds:
        return [Counter() for _ in range(batch.num_rows)]
    columns = {name: batch.column(name) for name in again.inputs if name in batch.schema.names and name != "text"}
    found = again.measure(pa.record_batch({**columns, "text": texts})).column("findings").to_pylist()
    return [Counter(span["kind"] for span in spans or () if span["kind"] in kinds) for spans in found]
