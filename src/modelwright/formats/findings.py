"""Findings in memory: many rows, few documents and kinds, so that their names are kept once and rows are numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelwright.core.errors import IntegrityError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

NAMES = ("document", "source", "origin", "signal", "kind")
_START_BITS = 36  # a text is shorter than 64 GiB, and 2**27 documents fit beside


def findings_schema() -> pa.Schema:
    """Columns NAMES as dictionaries; start, end in UTF-8 bytes of the input text; confidence."""
    import pyarrow as pa

    named = [(name, pa.dictionary(pa.int32(), pa.string())) for name in NAMES]
    return pa.schema([*named, ("start", pa.int64()), ("end", pa.int64()), ("confidence", pa.float64())])


def encoded(column: pa.ChunkedArray | pa.Array) -> tuple[npt.NDArray[np.int32], pa.Array]:
    """(codes, names) of a column of strings without nulls, dictionary or plain: row i is names[codes[i]]."""
    import numpy as np
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        column = pa.chunked_array([column])
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    if column.num_chunks > 1:
        column = column.unify_dictionaries()
    names = column.chunk(0).dictionary if column.num_chunks else pa.array([], column.type.value_type)
    codes = [chunk.indices.to_numpy() for chunk in column.chunks]
    return (np.concatenate(codes) if codes else np.zeros(0)).astype(np.int32, copy=False), names


def counted(column: pa.ChunkedArray) -> dict[str, int]:
    """Value -> rows of a column of strings without nulls, the most frequent first."""
    import numpy as np

    codes, names = encoded(column)
    counts = np.bincount(codes, minlength=len(names)).tolist()
    found = [(name, count) for name, count in zip(names.to_pylist(), counts, strict=True) if count]
    return dict(sorted(found, key=lambda item: (-item[1], item[0])))


def in_order(place: Any, start: Any, *more: Any) -> npt.NDArray[np.int64]:
    """The order of rows by (place, start, *more), whole numbers of 0 and more; quick where runs of rows are sorted."""
    import numpy as np

    first = (place.astype(np.int64) << _START_BITS) + start
    order = np.argsort(first, kind="stable")
    ordered = first[order]
    tied = np.zeros(len(order) + 1, np.bool_)
    tied[1:-1] = ordered[1:] == ordered[:-1]
    rows = np.flatnonzero(tied[1:] | tied[:-1])
    if len(rows):
        among = order[rows]
        order[rows] = among[np.lexsort((*(key[among] for key in reversed(more)), first[among]))]
    return order


def conform_findings(table: pa.Table) -> pa.Table:
    """Findings as `formats.pile.conform` orders them, names as dictionaries, without the column `pile`.

    Raises IntegrityError where an identifying column holds null.
    """
    import numpy as np
    import pyarrow as pa

    for key in ("document", "source", "origin"):
        if table[key].null_count:
            raise IntegrityError(f"findings: {table[key].null_count} rows have no {key}", value=key)
    if not table.num_rows:
        return findings_schema().empty_table()
    codes, documents = encoded(table["document"])
    rows = np.zeros(len(documents), np.int64)
    rows[codes[::-1]] = np.arange(len(codes))[::-1]  # the first row of each document
    keys = {name: table[name].take(pa.array(rows)).cast(pa.string()) for name in ("source", "origin")}
    keys["document"] = pa.chunked_array([documents.cast(pa.string())])
    place = _rank(pa.table(keys), ("source", "origin", "document"))[codes]
    ranks = {}
    for name in ("signal", "kind"):
        of, names = encoded(table[name])
        ranks[name] = _rank(pa.table({name: names}), (name,))[of]
    start, end = (table[name].to_numpy() for name in ("start", "end"))
    order = pa.array(in_order(place, start, end, ranks["signal"], ranks["kind"]))
    schema = findings_schema()
    columns = {name: table[name].cast(schema.field(name).type) for name in schema.names}
    columns |= {name: table[name] for name in table.column_names if name not in columns and name != "pile"}
    whole = pa.table(columns)
    if any(column.num_chunks > 1 for column in whole.columns):
        whole = whole.unify_dictionaries().combine_chunks()
    return whole.take(order)


def _rank(table: pa.Table, keys: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """The place of each row in the order of `keys`."""
    import numpy as np
    import pyarrow.compute as pc

    rank = np.empty(table.num_rows, np.int64)
    order = pc.sort_indices(table, sort_keys=[(key, "ascending") for key in keys]).to_numpy()
    rank[order] = np.arange(table.num_rows)
    return rank
