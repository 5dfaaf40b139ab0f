"""What a takedown barred does not come in again: not by its name, not by its text, not lightly edited or quoted whole.

A barred document has no digest and `error` takedown:SIGNAL from here on: it is not measured, not kept in a cache, and
is dropped by the rule `takedown`. Texts are looked at once per text and list; without a list nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelwright.core.context import Context
from modelwright.formats.barred import PREFIX, SELECTORS, Barred, load, selector
from modelwright.prepare import cache

if TYPE_CHECKING:
    import pyarrow as pa

    from modelwright.prepare.documents import Documents


def bar(documents: Documents, context: Context) -> Documents:
    """Mark the documents that the project's do-not-ingest list names. Raises IntegrityError for a damaged list."""
    barred = load(context.home)
    if barred is None:
        return documents
    marked = _by_name(documents.table, barred)
    if barred.texts:
        marked = _by_text(documents.of(marked), barred, context)
    return documents.of(marked)


def _by_name(table: pa.Table, barred: Barred) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    documents = pa.array(sorted(barred.documents), pa.string())
    table = _marked(table, pc.is_in(table["document"], value_set=documents), "document")
    for column in SELECTORS:
        values = [value for value in pc.unique(table[column]).to_pylist() if value is not None]
        hit = [value for value in values if selector(column, value) in barred.selectors]
        table = _marked(table, pc.is_in(table[column], value_set=pa.array(hit, pa.string())), column)
    digests = pa.array(sorted(barred.digests), pa.string())
    return _marked(table, pc.is_in(table["digest"], value_set=digests), "digest")


def _marked(table: pa.Table, hit: pa.ChunkedArray, signal: str) -> pa.Table:
    """`table` with the rows that are `hit` marked; what was marked or quarantined before stays as it is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    hit = pc.and_(pc.fill_null(hit, False), pc.invert(pc.is_valid(table["error"])))
    if not pc.any(hit).as_py():
        return table
    changes = {"digest": pa.scalar(None, pa.string()), "error": pa.scalar(f"{PREFIX}{signal}")}
    for name, value in changes.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), pc.if_else(hit, value, table[name]))
    return table


def _by_text(documents: Documents, barred: Barred, context: Context) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    from modelwright.measure.shingles import holding

    table = documents.table
    folder = context.home / "cache" / "takedown" / barred.match_digest[:32]
    schema = pa.schema([("key", pa.string()), ("holds", pa.bool_())])
    known = cache.rows(folder, schema)
    missing = cache.missing(known, "key", table["digest"])
    if len(missing):
        rows = table.take(pc.index_in(missing, value_set=table["digest"].combine_chunks()))

        def parts() -> Iterator[pa.Table]:
            done = 0
            for batch in documents.batches(rows.select(["document", "digest"]), context):
                holds = pa.array(holding(batch.column("text"), barred.texts))
                yield pa.Table.from_arrays([batch.column("digest").cast(pa.string()), holds], schema=schema)
                done += batch.num_rows
                context.progress("looking for what was taken down", done, rows.num_rows, "texts")

        known = cache.extend(folder, known, "key", parts())
    held = known.filter(known["holds"])["key"].combine_chunks()
    return _marked(table, pc.is_in(table["digest"], value_set=held), "match")
