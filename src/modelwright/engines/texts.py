"""Texts in the order of any table of documents, from the files of `pile.texts`, in bounded memory.

Documents and texts lie in nearly the same order, so a window of documents needs few row groups. Each window reads
the row groups that it needs once and takes its rows; where duplicates lie far apart this costs time, never memory.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import IntegrityError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


def in_order(files: list[str], documents: pa.Table, batch_bytes: int, window_bytes: int) -> Iterator[pa.RecordBatch]:
    """Batches of `documents` with the column `text`, in its order; `digest` is the key, `bytes` cuts the windows.

    Raises IntegrityError when a digest is in no file.
    """
    import numpy as np
    import pyarrow as pa

    if not documents.num_rows:
        return
    group_of, row_of, groups = _locate(files, documents["digest"])
    sizes = _sizes(documents)
    window_ends = _cuts(sizes, window_bytes)
    start = 0
    for end in window_ends:
        texts = _gather(groups, group_of[start:end], row_of[start:end])
        inner = 0
        for stop in _cuts(sizes[start:end], batch_bytes):
            rows = documents.slice(start + inner, stop - inner).combine_chunks()
            text = texts.take(pa.array(np.arange(inner, stop)))
            columns = [*(_whole(column) for column in rows.columns), _whole(text)]
            yield pa.RecordBatch.from_arrays(columns, names=[*rows.column_names, "text"])
            inner = stop
        start = end


def _sizes(documents: pa.Table) -> np.ndarray[Any, Any]:
    import numpy as np
    import pyarrow.compute as pc

    if "bytes" in documents.column_names:
        return np.asarray(pc.fill_null(documents["bytes"], 0).to_numpy(), dtype=np.int64)
    return np.full(documents.num_rows, 4096, dtype=np.int64)  # a guess that bounds rows instead of bytes


def _cuts(sizes: np.ndarray[Any, Any], limit: int) -> list[int]:
    """Ends of consecutive runs whose sizes sum to at most `limit`, or that hold one larger row."""
    ends, total = [], 0
    for index, size in enumerate(sizes.tolist()):
        if total and (total + size > limit):
            ends.append(index)
            total = 0
        total += max(size, 1)
    return [*ends, len(sizes)]


def _whole(column: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


@contextlib.contextmanager
def _parquet(path: str) -> Iterator[Any]:
    """A data file, opened; what cannot be read is an IntegrityError that names it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (OSError, pa.ArrowInvalid) as error:
        raise IntegrityError(
            f"{path} is damaged or gone: {str(error).splitlines()[0]}",
            hint="restore it from a backup, or prepare again with `--rebuild prepare`",
            value=path,
        ) from error


def _locate(files: list[str], digests: pa.ChunkedArray) -> tuple[Any, Any, list[tuple[str, int]]]:
    """For each digest the number of its row group and the row in it; the row groups as (path, number)."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    distinct = pc.unique(digests)
    group_of = np.full(len(distinct), -1, dtype=np.int64)
    row_of = np.zeros(len(distinct), dtype=np.int64)
    groups: list[tuple[str, int]] = []
    for path in reversed(files):  # what is asked for is most often what came last, and a text stands once
        if (group_of >= 0).all():
            break
        with _parquet(path) as file:
            for number in range(file.num_row_groups):
                stored = file.read_row_group(number, columns=["digest"])["digest"].cast(distinct.type)
                slots = pc.fill_null(pc.index_in(stored, value_set=distinct), -1).to_numpy()
                rows = np.flatnonzero(slots >= 0)
                group_of[slots[rows]] = len(groups)
                row_of[slots[rows]] = rows
                groups.append((path, number))
    if (group_of < 0).any():
        lost = distinct.filter(pa.array(group_of < 0))
        raise IntegrityError(
            f"{len(lost)} texts are not in the pile's texts, the first {lost[0].as_py()[:12]}",
            hint="the warehouse was damaged; restore it, or prepare again with `--rebuild prepare`",
            value=lost[0].as_py(),
        )
    index = pc.index_in(digests, value_set=distinct).to_numpy()
    return group_of[index], row_of[index], groups


def _gather(groups: list[tuple[str, int]], group_of: Any, row_of: Any) -> pa.ChunkedArray:
    """The texts at (group, row), in the order asked for."""
    import numpy as np
    import pyarrow as pa

    order = np.lexsort((row_of, group_of))
    pieces: list[pa.Array] = []
    for number in np.unique(group_of).tolist():
        path, row_group = groups[number]
        with _parquet(path) as file:
            text = file.read_row_group(row_group, columns=["text"])["text"].cast(pa.large_string())
        pieces.append(_whole(text.take(pa.array(row_of[order][group_of[order] == number]))))
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return pa.chunked_array(pa.concat_arrays(pieces).take(pa.array(back)), pa.large_string())
