"""Tables cut into chunks of neighbouring rows, so that versions share the files of what did not change.

Where a chunk ends is a property of the documents (content-defined chunking, as in backup tools): new rows move the
borders next to them and no others. A chunk is known by the digest of its rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from modelwright.formats.findings import encoded

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SMALLEST_ROWS = 1024
CHUNKS_AIMED_AT = 256


def cut(table: pa.Table) -> list[tuple[str, pa.Table]]:
    """(key, rows) of each chunk in order; `table` has a column `document` (hex), rows of one document side by side.

    A chunk begins at a document whose id is 0 modulo the size aimed at: the power of two, from SMALLEST_ROWS, that
    gives at most CHUNKS_AIMED_AT of them. Sizes count documents, whatever rows one has.
    """
    if not table.num_rows:
        return []
    table = table.combine_chunks()
    bounds = [0, *_starts(table["document"]), table.num_rows]
    parts = (table.slice(start, stop - start) for start, stop in pairwise(bounds))
    return list(zip(_keys(table, bounds), parts, strict=True))


def prefixes(ids: pa.ChunkedArray | pa.Array) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """The first 16 hex digits of each id as a number (n,); 0 for null."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(ids.type):
        codes, names = encoded(ids)
        return prefixes(names)[codes] if len(codes) else np.zeros(0, np.uint64)
    heads = pc.fill_null(pc.utf8_slice_codeunits(ids.cast(pa.string()), 0, 16), "0" * 16)
    return np.frombuffer(bytes.fromhex("".join(heads.to_pylist())), dtype=">u8").astype(np.uint64)


def _starts(documents: pa.ChunkedArray) -> list[int]:
    import numpy as np

    ids = prefixes(documents)
    begins = np.flatnonzero(ids[1:] != ids[:-1]) + 1
    size = SMALLEST_ROWS
    while size * CHUNKS_AIMED_AT < len(begins) + 1:
        size *= 2
    return [int(start) for start in begins[ids[begins] % np.uint64(size) == 0]]


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
    """For the rows between neighbouring bounds: the digest over names, types, lengths and values; a column that is null
    throughout counts as absent. Columns are taken apart once, not once a chunk."""
    columns = [(f"|{field.name}:{field.type}|".encode(), *_parts(table[field.name])) for field in table.schema]
    for start, stop in pairwise(bounds):
        found = hashlib.blake2b(str(stop - start).encode(), digest_size=16)
        for head, valid, bytes_of in columns:
            if valid[start:stop].any():
                found.update(head)
                for part in bytes_of(start, stop):
                    found.update(part)
        yield found.hexdigest()


def _parts(column: pa.ChunkedArray) -> tuple[Any, Callable[[int, int], Iterable[Any]]]:
    """(which rows are valid (n,), a function from rows start and stop to the bytes that stand for them)."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    array = column.combine_chunks()
    array = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    if pa.types.is_dictionary(array.type):

        def coded(start: int, stop: int) -> Iterable[Any]:
            codes, names = _named(array[start:stop])
            return codes.tobytes(), *_strings(names)(0, len(names))

        return valid, coded
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return valid, _strings(array)
    plain = array.cast(pa.int8()) if pa.types.is_boolean(array.type) else array
    values = np.ascontiguousarray(pc.fill_null(plain, 0).to_numpy(zero_copy_only=False))
    there = valid.astype(np.int8)
    return valid, lambda start, stop: (there[start:stop].data, values[start:stop].data)


def _strings(array: Any) -> Callable[[int, int], Iterable[Any]]:
    """From rows start and stop to the lengths of these strings (-1 for null) and their UTF-8 bytes."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.binary_length(array), -1).to_numpy(zero_copy_only=False)
    filled = pc.fill_null(array, "")
    _, offsets, data = filled.buffers()
    kind = np.int64 if pa.types.is_large_string(array.type) else np.int32
    ends = np.frombuffer(offsets, dtype=kind)[filled.offset : filled.offset + len(filled) + 1] if len(filled) else [0]
    view = memoryview(data if data is not None else b"")
    return lambda start, stop: (lengths[start:stop].data, view[int(ends[start]) : int(ends[stop])])
