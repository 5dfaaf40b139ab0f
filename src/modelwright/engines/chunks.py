"""Tables cut into chunks of neighbouring rows, so that versions share the files of what did not change.

A chunk is known by the digest of its rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from modelwright.formats.borders import borders, distance, prefixes

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def cut(table: pa.Table) -> list[tuple[str, pa.Table]]:
    """(key, rows) of each chunk in order; `table` has a column `document` (hex), rows of one document side by side.

    A chunk begins at a border of the documents (`formats/borders.py`): sizes count documents, whatever rows one has.
    """
    if not table.num_rows:
        return []
    table = table.combine_chunks()
    bounds = [0, *_starts(table["document"]), table.num_rows]
    parts = (table.slice(start, stop - start) for start, stop in pairwise(bounds))
    return list(zip(_keys(table, bounds), parts, strict=True))


def _starts(documents: pa.ChunkedArray) -> list[int]:
    import numpy as np

    ids = prefixes(documents)
    distinct = 1 + int(np.count_nonzero(ids[1:] != ids[:-1]))
    return [int(start) for start in borders(ids, distance(distinct))]


def _named(column: pa.DictionaryArray) -> tuple[np.ndarray[Any, np.dtype[np.int64]], pa.Array]:
    """(codes, names) of a dictionary's rows: names in order of appearance, whatever else the dictionary holds."""
    import numpy as np
    import pyarrow as pa

    codes = column.indices.to_numpy()
    low = int(codes.min())
    first = np.full(int(codes.max()) - low + 1, -1, np.int64)
    first[codes[::-1] - low] = np.arange(len(codes))[::-1]
    used = np.flatnonzero(first >= 0)
    used = used[np.argsort(first[used])]
    first[used] = np.arange(len(used))
    return first[codes - low], column.dictionary.take(pa.array(used + low))


def _keys(table: pa.Table, bounds: list[int]) -> Iterator[str]:
    """For the rows between neighbouring bounds: the digest over names, types, which are null, lengths and values; a
    column that is null throughout counts as absent. Columns are taken apart once, not once a chunk."""
    columns = [(f"|{field.name}:{field.type}|".encode(), *_parts(table[field.name])) for field in table.schema]
    for start, stop in pairwise(bounds):
        found = hashlib.sha256(str(stop - start).encode())
        for head, valid, bytes_of in columns:
            there = None if valid is None else valid[start:stop]
            if there is None or there.any():
                found.update(head)
                if there is not None and not there.all():
                    found.update(b"but for nulls|")
                    found.update(there.data)
                for part in bytes_of(start, stop):
                    found.update(part)
        yield found.hexdigest()[:32]


def _parts(column: pa.ChunkedArray) -> tuple[Any, Callable[[int, int], Iterable[Any]]]:
    """(which rows are valid (n,) or None for all, a function from rows start and stop to the bytes of their values)."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    array = column.combine_chunks()
    array = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
    valid = array.is_valid().to_numpy(zero_copy_only=False) if array.null_count else None
    if pa.types.is_dictionary(array.type):

        def coded(start: int, stop: int) -> Iterable[Any]:
            codes, names = _named(array[start:stop])
            return codes.tobytes(), *_strings(names)(0, len(names))

        return valid, coded
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return valid, _strings(array)
    plain = array.cast(pa.int8()) if pa.types.is_boolean(array.type) else array
    filled = pc.fill_null(plain, 0) if array.null_count else plain
    values = np.ascontiguousarray(filled.to_numpy(zero_copy_only=False))
    return valid, lambda start, stop: (values[start:stop].data,)


def _strings(array: Any) -> Callable[[int, int], Iterable[Any]]:
    """From rows start and stop to the lengths of these strings and their UTF-8 bytes; null has neither."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    filled = pc.fill_null(array, "") if array.null_count else array
    _, offsets, data = filled.buffers()
    kind = np.int64 if pa.types.is_large_string(array.type) else np.int32
    ends = np.frombuffer(offsets, dtype=kind)[filled.offset : filled.offset + len(filled) + 1] if len(filled) else [0]
    view, lengths = memoryview(data if data is not None else b""), np.diff(ends)
    return lambda start, stop: (lengths[start:stop].data, view[int(ends[start]) : int(ends[stop])])
