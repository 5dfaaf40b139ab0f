"""The keys under which caches of signals keep their rows: hex digits over what a signal declares that it reads."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from modelwright.prepare.signal import Signal

if TYPE_CHECKING:
    import pyarrow as pa

_ODD = (0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93)  # multipliers of the two halves of a key


class Keys:
    """The keys of the same documents for one signal after another; what two signals share is computed once."""

    def __init__(self) -> None:
        self._heads: pa.Array | None = None
        self._digests: dict[str, Any] = {}
        self._found: list[tuple[pa.Array, pa.Array]] = []

    def of(self, signal: Signal, values: pa.Table) -> pa.Array:
        """The key of each row: the first 32 digits of the text's digest, if the signal reads the text, and 32 over the
        digests of all its other inputs, if it has any; null where there is no text."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        texts = values["digest"].combine_chunks()
        if self._heads is None:
            self._heads = pc.utf8_slice_codeunits(texts, 0, 32)
        beside = [column for column in signal.inputs if column != "text"]
        if not beside:
            return self._heads
        lanes = np.zeros((len(texts), 2), np.uint64)
        for column in beside:
            if column not in self._digests:
                self._digests[column] = _digests(values[column])
            lanes = (lanes ^ (lanes >> np.uint64(29))) * np.array(_ODD, np.uint64) + self._digests[column]
        digits = pa.py_buffer(lanes.tobytes().hex().encode())
        offsets = pa.py_buffer(np.arange(0, 32 * len(texts) + 1, 32, dtype=np.int32))
        keys = pa.StringArray.from_buffers(len(texts), offsets, digits)
        if "text" in signal.inputs:
            return pc.binary_join_element_wise(self._heads, keys, "")
        return pc.if_else(pc.is_valid(texts), keys, pa.scalar(None, pa.string()))

    def places(self, keys: pa.Array, kept: pa.Array) -> pa.Array:
        """The place of each of `keys` among those that are `kept`, null where it is not; signals that read the text
        alone and were measured together are served by one search. Others share no keys, so nothing of them is held."""
        import pyarrow.compute as pc

        if keys is not self._heads:
            return pc.index_in(keys, value_set=kept)
        for among, places in self._found:
            if among.equals(kept):
                return places
        self._found.append((kept, pc.index_in(keys, value_set=kept)))
        return self._found[-1][1]


def _digests(column: pa.ChunkedArray) -> Any:
    """128 bits of each value, as two numbers (n, 2): those of a number itself; of a text, which is hashed once, its
    digest; null is 0."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        wide = column.cast(pa.float64() if pa.types.is_floating(column.type) else pa.int64(), safe=False)
        values = pc.fill_null(wide, 0).to_numpy().view(np.uint64)
        there = column.is_valid().to_numpy().astype(np.uint64)
        return np.stack([values * np.uint64(_ODD[0]) + there, there], axis=1)
    coded = column.combine_chunks().cast(pa.string()).dictionary_encode()
    hashed = [hashlib.blake2b(value.encode(), digest_size=16).digest() for value in coded.dictionary.to_pylist()]
    numbers = np.frombuffer(b"".join([*hashed, bytes(16)]), "<u8").reshape(-1, 2)
    return numbers[pc.fill_null(coded.indices, len(hashed)).to_numpy()]
