"""Tables cut into chunks of neighbouring rows, so that versions share the files of what did not change.

Where a chunk ends is a property of the documents (content-defined chunking, as in backup tools): new rows move the
borders next to them and no others. A chunk is known by the digest of its rows.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SMALLEST_ROWS = 1024
CHUNKS_AIMED_AT = 256


def cut(table: pa.Table) -> list[tuple[str, pa.Table]]:
    """(key, rows) of each chunk in order; `table` has a column `document` (hex), rows of one document side by side.

    A chunk begins at a document whose id is 0 modulo the size aimed at: the power of two, from SMALLEST_ROWS, that
    gives at most CHUNKS_AIMED_AT of them.
    """
    if not table.num_rows:
        return []
    table = table.combine_chunks()
    size = SMALLEST_ROWS
    while size * CHUNKS_AIMED_AT < table.num_rows:
        size *= 2
    bounds = [0, *_starts(table["document"], size), table.num_rows]
    return [(_key(part), part) for part in (table.slice(a, b - a) for a, b in pairwise(bounds))]


def prefixes(ids: pa.ChunkedArray | pa.Array) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """The first 16 hex digits of each id as a number (n,); 0 for null."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    heads = pc.fill_null(pc.utf8_slice_codeunits(ids.cast(pa.string()), 0, 16), "0" * 16)
    return np.frombuffer(bytes.fromhex("".join(heads.to_pylist())), dtype=">u8").astype(np.uint64)


def _starts(documents: pa.ChunkedArray, size: int) -> list[int]:
    import numpy as np

    ids = prefixes(documents)
    begins = np.flatnonzero((ids[1:] != ids[:-1]) & (ids[1:] % np.uint64(size) == 0)) + 1
    return [int(start) for start in begins]


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
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            found.update(pc.fill_null(pc.binary_length(column), -1).to_numpy(zero_copy_only=False).tobytes())
            found.update(_bytes(pc.fill_null(column, "")))
        else:
            found.update(column.is_valid().cast(pa.int8()).to_numpy(zero_copy_only=False).tobytes())
            plain = column.cast(pa.int8()) if pa.types.is_boolean(field.type) else column
            found.update(pc.fill_null(plain, 0).to_numpy(zero_copy_only=False).tobytes())
    return found.hexdigest()
