"""Edits of the documents that stay: which texts change, and what they become.

What an edit comes to (digest and length of the edited text, what is left to be found) is kept by all that it depends
on; the edited text itself is not, and is made again where it is wanted: for a new version's texts, for signing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core import plugins
from modelwright.core.context import Context, each
from modelwright.core.fingerprint import digest
from modelwright.formats.findings import counted, encoded, in_order
from modelwright.prepare import cache
from modelwright.prepare.measure import meaning_of
from modelwright.prepare.rule import Editing, matching
from modelwright.prepare.signal import Signal
from modelwright.prepare.style import Replace, Style
from modelwright.prepare.texts import TextWriter, writing

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.prepare.documents import Documents

EDITS = 1
"""Version of what an edit makes of a text and its findings; raise it when the same ones come to something else."""
_DOCUMENTS_A_PART = 8192
REMEASURED = "personal_data"
"""The signal that is measured again on what was edited."""


def edit(
    editings: Sequence[Editing], documents: Documents, values: pa.Table, findings: pa.Table, staying: pa.Array,
    context: Context, signals: Mapping[str, Signal] | None = None,
) -> tuple[pa.Table, Documents, dict[str, int]]:  # fmt: skip
    """Edit the texts of the documents `staying` at their findings.

    values    what is known of every input document (a row each; `when` of an editing reads it)
    findings  document, signal, kind, start, end, of every signal that an editing names
    signals   those that were measured: personal data is sought again in texts that were edited for it
    Returns document, digest and bytes of the edited text, removed_bytes (bytes of input text in the edited spans),
    spans (how many), rule (the first in order that edited it), edited_by (all that did), kinds (of all spans, joined by
    commas), residue (what of the edited kinds is still found, `email=2,phone=1`; null when nothing), for the documents
    whose text changed; `documents`, from which edited texts can be read too; and the edited spans by kind. What an edit
    comes to is kept by what it depends on, so that a text is edited again only when its edited form is wanted.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    styles = {_label(editing): _style(editing) for editing in editings}
    todo = _todo(editings, values, findings, staying, _meanings(styles, context.project)) if editings else None
    if todo is None or not todo.num_rows:
        return edits_schema().empty_table(), documents, {}
    ready = {label: style.ready(context.project) for label, style in styles.items()}
    editing = _Editing(editings, documents, ready, todo)
    kept = _kept(editing, (signals or {}).get(REMEASURED), context)
    place = pc.index_in(todo["key"], value_set=kept["key"].combine_chunks())
    known = kept.take(place)
    columns = {name: (known if name in kept.column_names else todo)[name] for name in edits_schema().names}
    done = pc.is_valid(place)
    edited = pa.table(columns, schema=edits_schema()).filter(done)
    spans = pc.list_flatten(todo["findings"].filter(done)).combine_chunks()
    by_kind = counted(pa.chunked_array([spans.field("kind")]))
    return edited, replace(documents, remake=lambda wanted: editing.remake(wanted, context)), by_kind


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


def _style(editing: Editing) -> Style:
    """The style of an editing, with its options. Raises UnknownName."""
    style: Any = plugins.parse("styles", editing.style) if isinstance(editing.style, str) else editing.style
    assert isinstance(style, Style)
    return style


def _meanings(styles: Mapping[str, Style], project: Path) -> dict[str, str]:
    """Label -> digest of all that the replacements of a style depend on: its options, its code, its key."""
    return {
        label: digest([label, plugins.code_identity(style), style.meaning(project)])[:16]
        for label, style in styles.items()
    }


def chosen(editings: Sequence[Editing], values: pa.Table, findings: pa.Table, staying: pa.Array) -> pa.Table:
    """The findings that are edited: document, kind, start, end, and place (row of `values`), order (of editing).

    In no order. A finding that several editings name belongs to the first of them.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    stays = pc.is_in(values["document"], value_set=staying).to_numpy()
    documents, ids = encoded(findings["document"])
    signals, names = encoded(findings["signal"])
    kinds, kind_names = encoded(findings["kind"])
    place = pc.index_in(ids, value_set=values["document"].combine_chunks()).to_numpy()[documents]
    order = np.full(len(place), -1, np.int64)
    for number, editing in reversed(list(enumerate(editings))):
        hit = pc.equal(names, editing.signal).to_numpy(zero_copy_only=False)[signals]
        if editing.kinds:
            wanted = pa.array(list(editing.kinds), pa.string())
            hit &= pc.is_in(kind_names, value_set=wanted).to_numpy(zero_copy_only=False)[kinds]
        order[hit & (stays & matching(values, editing.when))[place]] = number
    rows = np.flatnonzero(order >= 0)
    found = findings.select(["document", "kind", "start", "end"]).take(pa.array(rows))
    return found.append_column("place", pa.array(place[rows])).append_column("order", pa.array(order[rows]))


def _todo(
    editings: Sequence[Editing], values: pa.Table, findings: pa.Table, staying: pa.Array, meanings: Mapping[str, str]
) -> pa.Table:
    """The documents that have findings to edit: document, digest, language, kind as far as they are known; findings as
    a list; spans, rule, edited_by, kinds as `edit` returns them; and the key of what the edit comes to."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    found = chosen(editings, values, findings, staying)
    kinds = _sorted(pc.unique(found["kind"]).cast(pa.string()))
    coded, names = encoded(found["kind"])
    of_kind = pc.fill_null(pc.index_in(names, value_set=kinds), 0).to_numpy()[coded]
    place, start, end, order = (found[name].to_numpy() for name in ("place", "start", "end", "order"))
    turn = in_order(place, start, end, order, of_kind)
    place, start, end, order, of_kind = (part[turn] for part in (place, start, end, order, of_kind))
    places, rows, counts = np.unique(place, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    labels = pa.array([_label(editing) for editing in editings], pa.string())
    spans = {
        "kind": pa.DictionaryArray.from_arrays(of_kind.astype(np.int32), kinds),
        "start": pa.array(start),
        "end": pa.array(end),
        "style": pa.DictionaryArray.from_arrays(order.astype(np.int32), labels),
    }
    offsets = pa.array(np.concatenate(([0], ends)).astype(np.int32))
    lists = pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(list(spans.values()), names=list(spans)))
    columns = [name for name in ("document", "digest", "language", "kind") if name in values.column_names]
    todo = values.select(columns).take(pa.array(places))
    meant = [_number(meanings[label]) for label in labels.to_pylist()]
    numbers = [start, end, np.array([_number(name) for name in kinds.to_pylist()], np.uint64)[of_kind].view(np.int64)]
    numbers.append(np.array(meant, np.uint64)[order].view(np.int64))
    todo = todo.append_column("key", _keys(todo, np.stack(numbers, axis=1), ends))
    rules = list(dict.fromkeys(editing.rule for editing in editings))
    rank = np.array([rules.index(editing.rule) for editing in editings])[order]
    edited_by = _listed(rows, rank, pa.array(rules), ", ", len(places))
    todo = todo.append_column("findings", lists).append_column("spans", pa.array(counts.astype(np.int64)))
    first = pc.list_element(pc.split_pattern(edited_by, ", "), 0)
    todo = todo.append_column("rule", first).append_column("edited_by", edited_by)
    return todo.append_column("kinds", _listed(rows, of_kind, kinds, ",", len(places)))


def _listed(rows: Any, codes: Any, names: pa.Array, between: str, count: int) -> pa.Array:
    """For each of `count` rows the distinct names of its codes, in their order, joined."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    pairs = np.unique(rows * len(names) + codes)
    offsets = np.searchsorted(pairs, np.arange(count + 1) * len(names)).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), names.take(pa.array(pairs % len(names))))
    return pc.binary_join(lists, between)


def _sorted(names: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return names.take(pc.sort_indices(names))


def _number(name: str) -> int:
    """A name as 64 bits, for a digest over many of them."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


def _keys(todo: pa.Table, spans: Any, ends: Any) -> pa.Array:
    """The digest of what each edited text depends on: the text, its document, what was measured on it, its findings.

    spans  (n, 4) numbers of all findings, ends  (documents,) where those of each document end
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = [pc.fill_null(column.combine_chunks(), "") for column in todo.columns]
    lines = pc.binary_join_element_wise(*parts, "|").to_pylist()
    view, keys, start = memoryview(spans).cast("B") if len(spans) else memoryview(b""), [], 0
    for line, end in zip(lines, (ends * 32).tolist(), strict=True):
        key = hashlib.blake2b(line.encode(), digest_size=16)
        key.update(view[start:end])
        keys.append(key.hexdigest())
        start = end
    return pa.array(keys, pa.string())


def _kept_schema() -> pa.Schema:
    import pyarrow as pa

    names = ("key", "digest", "bytes", "removed_bytes", "residue")
    return pa.schema([(name, pa.string() if name in ("key", "digest", "residue") else pa.int64()) for name in names])


def _kept(editing: _Editing, again: Signal | None, context: Context) -> pa.Table:
    """What the edits come to, by key, without a row where a text stays as it is: from the cache, and where it lacks
    them, edited now."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = _sought_again(editing.editings)
    remeasured = [meaning_of(REMEASURED, again), kinds] if again is not None and kinds else None
    folder = context.home / "cache" / "edits" / digest([EDITS, remeasured])[:16]
    kept, settled = cache.read(folder, _kept_schema(), "key")
    known = pc.is_in(editing.todo["key"], value_set=settled)
    new = editing.todo.filter(pc.invert(known))
    if not new.num_rows:
        return kept
    parts = [new.slice(start, _DOCUMENTS_A_PART) for start in range(0, new.num_rows, _DOCUMENTS_A_PART)]
    tables = [kept]
    for part in each(parts, context, "editing", len(parts), "parts"):
        tables.append(editing.edit(part, context, again))
        cache.append(folder, tables[-1], "key", part["key"].to_pylist())
    editing.documents.texts.refresh()
    cache.compact(folder, _kept_schema(), "key")
    return pa.concat_tables(tables)


@dataclass(frozen=True)
class _Editing:
    """How the documents `todo` (see `_todo`) are edited: by the function of each style."""

    editings: Sequence[Editing]
    documents: Documents
    replace: Mapping[str, Replace]
    todo: pa.Table

    def edit(self, part: pa.Table, context: Context, again: Signal | None) -> pa.Table:
        """Rows of `_kept_schema()` for the texts of `part` that changed; the edited texts join the store."""
        import pyarrow as pa

        name = hashlib.sha256("".join(part["key"].to_pylist()).encode()).hexdigest()
        tables = [_kept_schema().empty_table()]
        with writing(self.documents.texts.folder, f"edited-{name[:32]}") as writer:
            for batch in self.documents.batches(part, context):
                rows = list(_edited(self.editings, batch, writer, self.replace, again))
                tables.append(pa.Table.from_pylist(rows, schema=_kept_schema()))
        return pa.concat_tables(tables)

    def remake(self, wanted: pa.Array, context: Context) -> None:
        """Add the edited texts of some documents to the store; what the edits come to is known."""
        import pyarrow.compute as pc

        part = self.todo.filter(pc.is_in(self.todo["document"], value_set=wanted))
        if part.num_rows:
            self.edit(part, context, None)
            self.documents.texts.refresh()


def _edited(
    editings: Sequence[Editing], batch: pa.RecordBatch, writer: TextWriter, replace: Mapping[str, Replace],
    again: Signal | None,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """One row for each text that changed; the edited text goes to `writer`."""
    from modelwright.prepare.edit import apply_edits

    ids = batch.column("document").to_pylist()
    texts, removed = apply_edits(batch.column("text"), batch.column("findings"), ids, replace)
    left = residue(editings, batch, texts, again)
    keys = zip(batch.column("key").to_pylist(), batch.column("digest").to_pylist(), strict=True)
    for edited, removed_bytes, remains, (key, before) in zip(texts, removed.to_pylist(), left, keys, strict=True):
        text = edited.as_buffer().to_pybytes()
        after = hashlib.sha256(text).hexdigest()
        if after != before:
            writer.add(after, text)
            yield {
                "key": key,
                "digest": after,
                "bytes": len(text),
                "removed_bytes": removed_bytes,
                "residue": ",".join(f"{kind}={count}" for kind, count in sorted(remains.items())) or None,
            }


def residue(
    editings: Sequence[Editing], batch: pa.RecordBatch, texts: pa.Array, again: Signal | None
) -> list[Counter[str]]:
    """What the signal `again` still finds in edited texts, by kind, of the kinds that the editings name; a row each."""
    import pyarrow as pa

    kinds = _sought_again(editings)
    if again is None or not kinds:
        return [Counter() for _ in range(batch.num_rows)]
    columns = {name: batch.column(name) for name in again.inputs if name in batch.schema.names and name != "text"}
    found = again.measure(pa.record_batch({**columns, "text": texts})).column("findings").to_pylist()
    return [Counter(span["kind"] for span in spans or () if span["kind"] in kinds) for spans in found]


def _sought_again(editings: Sequence[Editing]) -> list[str]:
    return sorted({kind for editing in editings if editing.signal == REMEASURED for kind in editing.kinds})
