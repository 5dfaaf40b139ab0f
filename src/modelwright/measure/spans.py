"""Texts as bytes and offsets for kernels, and findings (spans of bytes) as Arrow lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FINDING = pa.struct([("kind", pa.string()), ("start", pa.int64()), ("end", pa.int64()), ("confidence", pa.float64())])
FINDINGS = pa.list_(FINDING)


class Texts(NamedTuple):
    """Texts of a column: text i is `data[offsets[i]:offsets[i + 1]]`; a null has `valid[i]` False and no bytes."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    valid: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.valid)

    def bytes(self, row: int, limit: int | None = None) -> bytes:
        """Text `row`, cut to its first `limit` bytes."""
        start, end = int(self.offsets[row]), int(self.offsets[row + 1])
        return self.data[start : end if limit is None else min(end, start + limit)].tobytes()


def texts_of(column: pa.Array) -> Texts:
    """Buffers of a string column, read-only and without a copy for `large_string`; a slice's offset is honoured."""
    if not pa.types.is_large_string(column.type):
        column = column.cast(pa.large_string())
    _, offset_buffer, data_buffer = column.buffers()
    rows = len(column)
    if offset_buffer is None or rows == 0:
        offsets = np.zeros(rows + 1, np.int64)
    else:
        offsets = np.frombuffer(offset_buffer, np.int64)[column.offset : column.offset + rows + 1]
    data = np.zeros(0, np.uint8) if data_buffer is None else np.frombuffer(data_buffer, np.uint8)
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    if column.null_count and bool((np.diff(offsets)[~valid] != 0).any()):
        return texts_of(pa.array(column.to_pylist(), pa.large_string()))  # a null may hide bytes in its slot
    return Texts(read_only(data), read_only(offsets), valid)


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """The same memory, contiguous and not writable: the one form for which kernels are compiled."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def texts_at(texts: Texts, rows: Sequence[int], limit: int = 1 << 62) -> Texts:
    """A copy of the first `limit` bytes of some of the texts, in the order of `rows`."""
    parts = heads_of(texts, limit, rows)
    offsets = np.concatenate(([0], np.cumsum([len(part) for part in parts]))).astype(np.int64)
    return Texts(read_only(np.frombuffer(b"".join(parts), np.uint8)), read_only(offsets), texts.valid[list(rows)])


def heads_of(texts: Texts, limit: int, rows: Sequence[int] | None = None) -> list[bytes]:
    """The first `limit` bytes of each text, or of those of `rows`: many times as fast as one after another."""
    chosen = np.arange(len(texts)) if rows is None else np.asarray(rows, np.int64)
    starts = texts.offsets[chosen]
    ends = np.minimum(texts.offsets[chosen + 1], starts + limit)
    data = texts.data.data
    return [bytes(data[start:end]) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


class Found(NamedTuple):
    """One finding: `kind`, byte span [start, end) in the text of `row`, confidence in (0, 1]."""

    row: int
    kind: str
    start: int
    end: int
    confidence: float


def findings_array(found: Sequence[Found], valid: NDArray[np.bool_]) -> pa.Array:
    """Findings, already in order of (row, start), as one list a row; null where the text is null."""
    counts = (
        np.bincount([item.row for item in found], minlength=len(valid)) if found else np.zeros(len(valid), np.int64)
    )
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    fields = [
        pa.array([item.kind for item in found], pa.string()),
        pa.array([item.start for item in found], pa.int64()),
        pa.array([item.end for item in found], pa.int64()),
        pa.array([item.confidence for item in found], pa.float64()),
    ]
    values = pa.StructArray.from_arrays(fields, fields=list(FINDING))
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=FINDINGS, mask=pa.array(~valid))


def float_column(values: NDArray[np.float64], valid: NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~valid)


def integer_column(values: NDArray[np.int64], valid: NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, pa.int64(), mask=~valid)
