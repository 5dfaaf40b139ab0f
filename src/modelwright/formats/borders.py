"""Where a long table of documents is cut, so that versions share the files of what did not change.

A border is a property of the documents beside it (content-defined chunking, as in backup tools): new rows move the
borders next to them and no others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelwright.formats.findings import encoded

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

SMALLEST = 1024
AIMED_AT = 256


def distance(documents: int) -> int:
    """How many documents lie between two borders on average: the power of two, from SMALLEST, that gives at most
    AIMED_AT parts."""
    found = SMALLEST
    while found * AIMED_AT < documents:
        found *= 2
    return found


def borders(ids: np.ndarray[Any, np.dtype[np.uint64]], apart: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The rows, but for the first, with which a part begins: where the id (see `prefixes`) is another one than in the
    row before, and 0 modulo `apart`."""
    import numpy as np

    begins = np.flatnonzero(ids[1:] != ids[:-1]) + 1
    found: np.ndarray[Any, np.dtype[np.int64]] = begins[ids[begins] % np.uint64(apart) == 0]
    return found


def prefixes(ids: pa.ChunkedArray | pa.Array) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """The first 16 hex digits of each id as a number (n,); 0 for null."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(ids.type):
        codes, names = encoded(ids)
        return prefixes(names)[codes] if len(codes) else np.zeros(0, np.uint64)
    whole = pa.concat_arrays(ids.chunks) if isinstance(ids, pa.ChunkedArray) and ids.num_chunks else ids
    if not len(whole):
        return np.zeros(0, np.uint64)
    heads = pc.fill_null(pc.binary_slice(whole.cast(pa.binary()), 0, 16), b"0" * 16)
    digits = heads.buffers()[2].to_pybytes()[heads.offset * 16 : (heads.offset + len(heads)) * 16]
    return np.frombuffer(bytes.fromhex(digits.decode()), dtype=">u8").astype(np.uint64)
