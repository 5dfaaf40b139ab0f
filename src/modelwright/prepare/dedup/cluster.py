"""Clusters of duplicates, and which document of each stays: a function of the set of documents, never of arrival."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.plugins import plugin_name
from modelwright.core.spec import Options
from modelwright.prepare.dedup.base import Corpus, Dedup

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

LICENCE_CLASSES = (
    "permissive", "weak_copyleft", "strong_copyleft", "non_commercial", "no_derivatives", "proprietary", "unknown",
)  # fmt: skip
"""From the best licence to keep a text under to the worst; null counts as unknown."""


def find_duplicates(
    table: pa.Table,
    text_batches: Callable[[pa.Table], Iterator[pa.RecordBatch]],
    plugins: Sequence[Options],
    cache: Path,
) -> pa.Table:
    """Clusters of the documents of a table.

    table         columns document, source, origin, digest, bytes, licence_class, removed_bytes; digest is that of the
                  text which `text_batches` gives
    text_batches  from some rows of `table` to batches with at least the columns digest and text
    plugins       ways of finding duplicates; a cluster is closed over all of them together; those that are no `Dedup`
                  edit texts and are passed over
    cache         a folder that survives runs; what it holds changes the time and never the result

    Returns a table in the same order of rows with the columns

    document      as given
    cluster       the document that stays
    duplicate_of  the same, null for the document that stays
    rule          name of the first plugin that puts the two into one cluster; null for the document that stays
    similarity    of the text to that of the document that stays, as this plugin measures it; may lie below the
                  threshold where a chain of pairs joins them; null for the document that stays

    The one that stays is the best by (licence class, fewest removed bytes, longest text, digest, document).
    Raises ValueError for a null digest, InputError when a text cannot be read.
    """
    import numpy as np
    import pyarrow as pa

    if table["digest"].null_count:
        raise ValueError("a document without a text has no place among duplicates")
    ways = [plugin for plugin in plugins if isinstance(plugin, Dedup)]
    if not ways or not len(table):
        return _result(table, np.arange(len(table)), [], [])
    digests, places = _distinct(table)
    corpus = Corpus(digests, _reader(table, digests, places, text_batches), cache)
    labels = [plugin.components(corpus) for plugin in ways]
    survivors = _survivors(table, _together(labels)[places])
    changed = np.flatnonzero(survivors != np.arange(len(table)))
    left, right = places[changed], places[survivors[changed]]
    rules, similarities = _evidence(ways, corpus, labels, left, right)
    return _result(table, survivors, rules, pa.array(similarities, pa.float64()))


def _distinct(table: pa.Table) -> tuple[pa.Array, np.ndarray[Any, np.dtype[np.int64]]]:
    """The distinct digests in order, and the place of each row's digest among them."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = table["digest"].combine_chunks().cast(pa.string()).dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return encoded.dictionary.take(pa.array(order)), rank[encoded.indices.to_numpy()]


def _reader(
    table: pa.Table,
    digests: pa.Array,
    places: np.ndarray[Any, np.dtype[np.int64]],
    text_batches: Callable[[pa.Table], Iterator[pa.RecordBatch]],
) -> Callable[[pa.Array], Iterator[pa.RecordBatch]]:
    """Reads the texts of some digests, each through the first row that has it, in the order of rows."""
    import numpy as np
    import pyarrow.compute as pc

    first = np.unique(places, return_index=True)[1]

    def read(wanted: pa.Array) -> Iterator[pa.RecordBatch]:
        every = len(wanted) == len(digests)
        rows = np.sort(first if every else first[pc.index_in(wanted, value_set=digests).to_numpy()])
        yield from text_batches(table.take(rows))

    return read


def _together(labels: Sequence[np.ndarray[Any, np.dtype[np.int64]]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Components closed over the components of all plugins."""
    import numpy as np

    nodes = np.arange(len(labels[0]), dtype=np.int64)
    joined = [label for label in labels if (label != nodes).any()]
    if not joined:
        return nodes
    if len(joined) == 1:
        return joined[0]
    from modelwright.measure.hashing import unite

    return unite(len(nodes), np.tile(nodes, len(joined)), np.concatenate(joined))


def _survivors(table: pa.Table, clusters: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The row that stays of each row's cluster."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    members = np.flatnonzero(np.bincount(clusters)[clusters] > 1)
    rows = table.select(["licence_class", "removed_bytes", "bytes", "digest", "document"]).take(members)
    classes = pc.index_in(rows["licence_class"].cast(pa.string()), value_set=pa.array(LICENCE_CLASSES))
    order = pa.table(
        {
            "cluster": clusters[members],
            "licence": pc.fill_null(classes, len(LICENCE_CLASSES) - 1),
            "removed": pc.fill_null(rows["removed_bytes"], 0),
            "length": pc.fill_null(rows["bytes"], 0),
            "digest": rows["digest"],
            "document": rows["document"],
        }
    )
    keys = [(name, "descending" if name == "length" else "ascending") for name in order.column_names]
    ranked = members[pc.sort_indices(order, sort_keys=keys).to_numpy()]
    best, first = np.unique(clusters[ranked], return_index=True)
    survivors = np.arange(len(table))
    survivors[members] = ranked[first][np.searchsorted(best, clusters[members])]
    return survivors


def _evidence(
    plugins: Sequence[Dedup],
    corpus: Corpus,
    labels: Sequence[np.ndarray[Any, np.dtype[np.int64]]],
    left: np.ndarray[Any, np.dtype[np.int64]],
    right: np.ndarray[Any, np.dtype[np.int64]],
) -> tuple[list[str], np.ndarray[Any, np.dtype[np.float64]]]:
    """Rule and similarity of the pairs of texts (left, right): by the first plugin that joins them, else the last."""
    import numpy as np

    chosen = np.full(len(left), len(plugins) - 1)
    for i in reversed(range(len(plugins))):
        chosen[labels[i][left] == labels[i][right]] = i
    similarities = np.ones(len(left), np.float64)
    for i, plugin in enumerate(plugins):
        asked = np.flatnonzero((chosen == i) & (left != right))
        if len(asked):
            similarities[asked] = plugin.similarities(corpus, left[asked], right[asked])
    names = [plugin_name(plugin) or type(plugin).__name__ for plugin in plugins]
    return [names[i] for i in chosen], similarities


def _result(table: pa.Table, survivors: np.ndarray[Any, np.dtype[np.int64]], rules: Any, similarities: Any) -> pa.Table:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    changed = survivors != np.arange(len(table))
    at = pa.array(np.cumsum(changed) - 1, mask=~changed)  # row -> its place among the duplicates, null for survivors
    cluster = table["document"].take(survivors).combine_chunks()
    return pa.table(
        {
            "document": table["document"],
            "cluster": cluster,
            "duplicate_of": pc.if_else(pa.array(changed), cluster, pa.scalar(None, cluster.type)),
            "rule": pa.array(rules, pa.string()).take(at),
            "similarity": pa.array(similarities, pa.float64()).take(at),
        }
    )
