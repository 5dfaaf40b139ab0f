"""Repeated lines and paragraphs as findings: a function of the set of documents, never of their arrival."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Context
from modelwright.core.plugins import plugin_name
from modelwright.formats.findings import findings_schema
from modelwright.prepare import cache, decisions
from modelwright.prepare.dedup.base import Repeats
from modelwright.prepare.dedup.cluster import LICENCE_CLASSES, find_duplicates
from modelwright.prepare.rule import matching
from modelwright.prepare.settings import PileSettings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from modelwright.prepare.documents import Documents
    from modelwright.prepare.measure import Measured

    Read = Callable[[pa.Table], Iterator[pa.RecordBatch]]


def repeats_of(settings: PileSettings) -> list[Repeats]:
    return [plugin for plugin in settings.dedup if isinstance(plugin, Repeats)]


def with_repeats(
    settings: PileSettings, measured: Measured, table: pa.Table, documents: Documents, context: Context
) -> Measured:
    """What was measured, and what the documents that stay repeat, as findings of the signals `lines`, `paragraphs`.

    Spans are bytes of the input texts. Memory grows with the number of pieces of all texts, some 40 bytes each.
    """
    import pyarrow as pa

    wanted = repeats_of(settings)
    if not wanted:
        return measured
    rows = decisions.candidates(table, measured.values)
    folder = context.home / "cache" / "dedup"

    def read(some: pa.Table) -> Iterator[pa.RecordBatch]:
        return documents.batches(some, context)

    rows = rows.append_column("cluster", find_duplicates(rows, read, settings.dedup, folder)["cluster"])
    found = [measured.findings]
    for plugin in wanted:
        place = pa.compute.index_in(rows["document"], value_set=measured.values["document"].combine_chunks())
        takes = matching(measured.values, plugin.when)[place.to_numpy()]
        found.append(find_repeats(rows.filter(pa.array(takes)), read, plugin, folder))
    return replace(measured, findings=pa.concat_tables(found))


def find_repeats(rows: pa.Table, read: Read, plugin: Repeats, folder: Path) -> pa.Table:
    """The pieces to take out of some documents, as findings.

    rows  document, source, origin, digest, licence_class, cluster (documents of one cluster are copies of one)
    read  from some of the rows to batches with digest and text, as for `find_duplicates`
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kept = _pieces(rows, read, plugin, folder)
    lists = kept.take(pc.index_in(rows["digest"], value_set=kept["key"].combine_chunks())).combine_chunks()
    counts = pc.list_value_length(lists["hashes"]).to_numpy()
    row = np.repeat(np.arange(rows.num_rows), counts)
    hashes, starts, ends = (_flat(lists[name]) for name in ("hashes", "starts", "ends"))
    out = np.flatnonzero(_extra(hashes, row, _ranks(rows), *plugin.policy()))
    name = plugin_name(plugin) or type(plugin).__name__.lower()
    columns = {column: rows[column].take(pa.array(row[out])) for column in ("document", "source", "origin")}
    columns["signal"] = pa.array([name] * len(out), pa.string())
    columns["kind"] = pa.array([name.removesuffix("s")] * len(out), pa.string())
    columns |= {"start": pa.array(starts[out]), "end": pa.array(ends[out]), "confidence": pa.array(np.ones(len(out)))}
    return pa.table(columns).cast(findings_schema())


def _flat(column: pa.ChunkedArray) -> Any:
    import numpy as np
    import pyarrow.compute as pc

    return np.asarray(pc.list_flatten(column).to_numpy())


def _ranks(rows: pa.Table) -> npt.NDArray[np.int64]:
    """How good the cluster of each row is, 0 the best: by its best document's licence class, digest and name."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    classes = pc.index_in(rows["licence_class"].cast(pa.string()), value_set=pa.array(LICENCE_CLASSES))
    order = pa.table({"a": pc.fill_null(classes, len(LICENCE_CLASSES) - 1), "b": rows["digest"], "c": rows["document"]})
    rank = np.empty(rows.num_rows, np.int64)
    rank[pc.sort_indices(order, sort_keys=[(key, "ascending") for key in "abc"]).to_numpy()] = np.arange(rows.num_rows)
    codes = pc.dictionary_encode(rows["cluster"]).combine_chunks().indices.to_numpy()
    best = np.full(rows.num_rows, rows.num_rows, np.int64)
    np.minimum.at(best, codes, rank)
    ranks: npt.NDArray[np.int64] = best[codes]
    return ranks


def _extra(
    hashes: npt.NDArray[np.uint64], row: npt.NDArray[np.int64], rank: npt.NDArray[np.int64], documents: int, keeps: bool
) -> npt.NDArray[np.bool_]:
    """Which pieces go: those whose hash stands in so many clusters, but for the first in each document of the best."""
    import numpy as np

    if not len(hashes):
        return np.zeros(0, np.bool_)
    _, code = np.unique(hashes, return_inverse=True)
    cluster = rank[row]
    order = np.lexsort((np.arange(len(hashes)), row, cluster, code))
    code, cluster, row = code[order], cluster[order], row[order]
    new_hash = np.diff(code, prepend=-1) != 0
    new_cluster = new_hash | (np.diff(cluster, prepend=-1) != 0)
    clusters = np.bincount(code, new_cluster)[code]
    goes = clusters >= documents
    if keeps:
        number = np.cumsum(new_cluster) - np.cumsum(new_cluster)[np.flatnonzero(new_hash)][code]
        first_in_row = new_cluster | (np.diff(row, prepend=-1) != 0)
        goes &= ~((number == 0) & first_in_row)
    result = np.zeros(len(hashes), np.bool_)
    result[order] = goes
    return result


def _pieces(rows: pa.Table, read: Read, plugin: Repeats, folder: Path) -> pa.Table:
    """Pieces of each distinct text by digest: from the cache, and where it lacks them, read and kept."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from modelwright.measure.lines import PIECES, pieces

    paragraphs, least = plugin.shape()
    folder = folder / f"{'paragraphs' if paragraphs else 'lines'}-{least}-{PIECES}"
    numbers = pa.list_(pa.int64())
    schema = pa.schema(
        [("key", pa.string()), ("hashes", pa.list_(pa.uint64())), ("starts", numbers), ("ends", numbers)]
    )
    kept = cache.rows(folder, schema)
    missing = cache.missing(kept, "key", rows["digest"])
    todo = rows.take(pc.index_in(missing, value_set=rows["digest"].combine_chunks()))

    def part(batch: pa.RecordBatch) -> pa.Table:
        found = pieces(batch.column("text"), paragraphs, least)
        edges = pa.array(_edges(found.counts))
        lists = [pa.ListArray.from_arrays(edges, pa.array(column)) for column in found[1:]]
        return pa.Table.from_arrays([batch.column("digest").cast(pa.string()), *lists], schema=schema)

    return cache.extend(folder, kept, "key", (part(batch) for batch in (read(todo) if len(missing) else ())))


def _edges(counts: Sequence[int] | npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    import numpy as np

    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
