"""Texts while a pile is prepared: raw UTF-8 in files of the work folder, found by digest, read in any order.

    <folder>/<name>.bin        texts one after another, written as they were read
    <folder>/<name>.parquet    digest, start, bytes of each; written last: where it stands, the texts are whole

Nothing is decoded and nothing is held: a batch costs its own bytes. The folder dies with the work folder.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.errors import IntegrityError
from modelwright.core.storage import storage_error, whole
from modelwright.prepare import cache

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_BYTES = 8_000_000
_OPEN_FILES = 64


class TextWriter:
    """Appends texts to one file of the store; equal texts of the same file are written once."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._place = 0
        self.rows: dict[str, tuple[int, int]] = {}

    def add(self, digest: str, text: bytes | memoryview) -> None:
        if digest not in self.rows:
            self._stream.write(text)
            self.rows[digest] = (self._place, len(text))
            self._place += len(text)


@contextlib.contextmanager
def writing(folder: Path, name: str) -> Iterator[TextWriter]:
    """Write texts under a name; nothing of it is seen before the block ends. Raises StorageError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / f"{name}.bin"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("wb", buffering=1 << 20) as stream:
            writer = TextWriter(stream)
            yield writer
        places = list(writer.rows.values())
        starts, sizes = [place[0] for place in places], [place[1] for place in places]
        columns = [pa.array(writer.rows, pa.string()), pa.array(starts, pa.int64()), pa.array(sizes, pa.int64())]
        table = pa.table(columns, names=["digest", "start", "bytes"])
        with whole(folder / f"{name}.parquet") as beside:
            pq.write_table(table, beside, compression="zstd")
    except OSError as error:
        raise storage_error(error, path) from error


class TextStore:
    """The texts below a folder, by digest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: list[Path] = []
        self._index: Any = None
        self.refresh()

    def refresh(self) -> None:
        """Look again at what lies in the folder; a file whose texts were cut off by a crash is not seen."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        self._files = [path.with_suffix(".bin") for path in sorted(self.folder.glob("*.parquet"))]
        tables = []
        for number, path in enumerate(self._files):
            table = pq.read_table(path.with_suffix(".parquet"), partitioning=None)
            size = path.stat().st_size if path.exists() else -1
            if (pc.sum(table["bytes"]).as_py() or 0) == size:
                tables.append(table.append_column("file", pa.repeat(pa.scalar(number, pa.int64()), table.num_rows)))
        self._index = pa.concat_tables(tables).combine_chunks() if tables else None

    def missing(self, digests: pa.Array) -> pa.Array:
        """The distinct ones of `digests` that the store does not hold."""
        import pyarrow.compute as pc

        if self._index is None:
            return pc.unique(digests).drop_null()
        return cache.missing(self._index, "digest", digests)

    def batches(self, table: pa.Table, limit_bytes: int = BATCH_BYTES) -> Iterator[pa.RecordBatch]:
        """The rows of `table` (with a column `digest`) in their order, with a column `text` added.

        A batch holds about `limit_bytes` of text, and more only when a single text is longer. Raises IntegrityError
        for a digest that the store does not hold.
        """
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        if not table.num_rows:
            return
        if self._index is None or table["digest"].null_count or len(self.missing(table["digest"])):
            raise IntegrityError("a text that was read is gone from the work folder", hint="run again")
        places = pc.index_in(table["digest"].combine_chunks(), value_set=self._index["digest"].combine_chunks())
        where = self._index.take(places)
        files, starts, sizes = (where[name].to_numpy() for name in ("file", "start", "bytes"))
        ends = np.cumsum(sizes)
        first = 0
        with _Handles(self._files) as handles:
            while first < len(sizes):
                before = ends[first - 1] if first else 0
                last = max(first + 1, int(np.searchsorted(ends, before + limit_bytes, side="right")))
                text = _read(handles, files[first:last], starts[first:last], sizes[first:last])
                rows = table.slice(first, last - first).combine_chunks()
                columns = [_array(column) for column in rows.columns]
                yield pa.RecordBatch.from_arrays([*columns, text], names=[*rows.column_names, "text"])
                first = last


def _array(column: Any) -> Any:
    import pyarrow as pa

    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _read(handles: _Handles, files: Any, starts: Any, sizes: Any) -> pa.Array:
    """Neighbours in a file are read in one go."""
    import numpy as np
    import pyarrow as pa

    offsets = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=offsets[1:])
    data = np.empty(int(offsets[-1]), dtype=np.uint8)
    view = data.data
    apart = (files[1:] != files[:-1]) | (starts[1:] != starts[:-1] + sizes[:-1])
    bounds = [0, *(np.flatnonzero(apart) + 1).tolist(), len(sizes)]
    for begin, end in itertools.pairwise(bounds):
        place, target = int(starts[begin]), view[int(offsets[begin]) : int(offsets[end])]
        while len(target):
            count = os.preadv(handles.get(int(files[begin])), [target], place)
            if count == 0:
                raise IntegrityError("a text in the work folder ends early", hint="run again")
            place, target = place + count, target[count:]
    return pa.LargeStringArray.from_buffers(len(sizes), pa.py_buffer(offsets), pa.py_buffer(data))


class _Handles:
    """Open files by number, few at a time."""

    def __init__(self, paths: list[Path]) -> None:
        self._paths = paths
        self._open: dict[int, int] = {}

    def __enter__(self) -> _Handles:
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._open.values():
            os.close(handle)

    def get(self, number: int) -> int:
        if number not in self._open:
            if len(self._open) >= _OPEN_FILES:
                os.close(self._open.pop(next(iter(self._open))))
            self._open[number] = os.open(self._paths[number], os.O_RDONLY)
        return self._open[number]
