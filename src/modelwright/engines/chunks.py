"""Tables cut into chunks of neighbouring rows, so that versions share the files of what did not change.

Where a chunk ends is a property of the documents (content-defined chunking, as in backup tools): new rows move the
borders next to them and no others. A chunk is known by the digest of its rows.
"""

from __future__ import annotations

import hashlib
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
    return [(_key(part), part) for part in (table.slice(a, b - a) for a, b in pairwise(bounds))]


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


def _bytes(column: Any) -> memoryview:
    """The UTF-8 bytes of all strings of an array without nulls, one after another."""
    import numpy as np
    import pyarrow as pa

    _, offsets, data = column.buffers()
    if data is None or not len(column):
        return memoryview(b"")
    kind = np.int64 if pa.types.is_large_string(column.type) else np.int32
    ends = np.frombuffer(offsets, dtype=kind)[column.offset : column.offset + len(column) + 1]
    return memoryview(data)[int(ends[0]) : int(ends[-1])]


def _key(part: pa.Table) -> str:
    """Digest over names, types, lengths and values; a column that is null throughout counts as absent."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = hashlib.blake2b(str(part.num_rows).encode(), digest_size=16)
    for field in part.schema:
        column = part[field.name].combine_chunks()
        column = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
        if column.null_count == len(column):
            continue
        found.update(f"|{field.name}:{field.type}|".encode())
        if pa.types.is_dictionary(field.type):
            codes, column = _named(column)
            found.update(codes.tobytes())
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            found.update(pc.fill_null(pc.binary_length(column), -1).to_numpy(zero_copy_only=False).tobytes())
            found.update(_bytes(pc.fill_null(column, "")))
        else:
            found.update(column.is_valid().cast(pa.int8()).to_numpy(zero_copy_only=False).tobytes())
            plain = column.cast(pa.int8()) if pa.types.is_boolean(field.type) else column
            found.update(pc.fill_null(plain, 0).to_numpy(zero_copy_only=False).tobytes())
    return found.hexdigest()
